"""A run computed again, and compared with the first time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from bot.features.complete import CompletionRun, new_run_id
from bot.features.next import WalkRun
from bot.model.model_info import Fingerprint
from bot.model.protocol import Candidate, GenerationRequest, Step


@dataclass(frozen=True, slots=True)
class Rerun:
    """The request that repeats a run: after ``ids``, the model once took the steps ``then``.

    The last ``given`` of the ``ids`` belong to the text, up to its last hand-picked token; the
    model is given them and doesn't write them again.
    """

    request: GenerationRequest
    ids: tuple[int, ...]
    given: int
    then: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first position (from 0) at which the tokens differ; None where a text had already ended."""

    position: int
    then: Candidate | None
    now: Candidate | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A part of the fingerprint that has changed."""

    part: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class Replay:
    """How ``tokens`` tokens came out the second time.

    ``exact`` says that every number of every step is the same to the bit; ``drift`` is the
    largest difference between logits, up to the ``difference``.
    """

    tokens: int
    difference: Difference | None
    exact: bool
    drift: float
    changed: tuple[Changed, ...]


def rerun(run: CompletionRun | WalkRun, *, owner: int, context: int) -> Rerun:
    """Return the request that repeats the run.

    NothingWritten if the model wrote none of it; ContextExceeded if it doesn't fit into
    ``context`` tokens.
    """
    if isinstance(run, CompletionRun):
        job = run.again(owner=owner)
        request, given = job.request(context), len(job.earlier)
        return Rerun(request, request.prompt_ids, given, run.steps[given:])
    run.walk.check(context)
    request = replace(run.walk.request, request_id=new_run_id())
    return Rerun(request, request.prompt_ids, len(run.walk.appended_ids), (run.step,))


def compare(then: Sequence[Step], now: Sequence[Step], before: Fingerprint, today: Fingerprint) -> Replay:
    """Compare the steps ``then``, made under ``before``, with the steps ``now``."""
    difference = _first_difference(then, now)
    alike = len(then) if difference is None else difference.position + 1
    return Replay(
        tokens=len(then),
        difference=difference,
        exact=tuple(then) == tuple(now),
        drift=max(_drifts(then[:alike], now[:alike]), default=0.0),
        changed=tuple(
            Changed(name, str(getattr(before, name)), str(getattr(today, name)))
            for name in Fingerprint.__struct_fields__
            # What texts no longer depend on is empty.
            if getattr(before, name) != getattr(today, name) != ""
        ),
    )


def _first_difference(then: Sequence[Step], now: Sequence[Step]) -> Difference | None:
    for position in range(max(len(then), len(now))):
        was, is_now = (steps[position].chosen if position < len(steps) else None for steps in (then, now))
        if (was and was.token_id) != (is_now and is_now.token_id):
            return Difference(position, was, is_now)
    return None


def _drifts(then: Sequence[Step], now: Sequence[Step]) -> Iterator[float]:
    """Yield how much the logits differ, for every token that both report at a step."""
    for was, is_now in zip(then, now, strict=False):
        before, today = _logits(was), _logits(is_now)
        yield from (abs(before[token_id] - today[token_id]) for token_id in before.keys() & today.keys())


def _logits(step: Step) -> dict[int, float]:
    return {candidate.token_id: candidate.logit for candidate in (step.chosen, *step.candidates)}
