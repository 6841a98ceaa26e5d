"""What the card of ``/complete`` shows of a text that is waiting, growing or done."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.layout import Audience, model_name
from bot.features.complete import CompletionJob, CompletionRun
from bot.model.model_info import ModelInfo
from bot.model.protocol import SamplingParams, Step
from bot.queue.updates import Finished, Progress, Queued, Update, token_ids
from bot.text.tokenization import Encodings


@dataclass(frozen=True, slots=True)
class CompletionCard:
    """All that the card shows.

    ``written`` is everything after the prompt, by earlier runs too; ``tokens`` of the
    ``requested`` ones are by this run, ``earlier`` ones by those before. ``by_hand`` are the
    positions (from 0) of tokens that a person chose, ``chosen`` is the last of those, if it may
    be named; if the card ``is_fork``, who requested it has just chosen that one.
    ``requested_by`` is a person whom Discord does not name itself.
    ``context`` is how many tokens the model can see, if the text fills that.
    ``cut_short`` says that the run failed, ``withheld`` that what it wrote must not be shown,
    ``recalled`` when the same was requested before.
    """

    run_id: str
    audience: Audience
    model: str
    prompt: str
    written: str
    params: SamplingParams
    update: Update
    tokens: int
    requested: int
    earlier: int = 0
    by_hand: tuple[int, ...] = ()
    chosen: str = ""
    is_fork: bool = False
    requested_by: int | None = None
    context: int | None = None
    can_continue: bool = False
    cut_short: bool = False
    withheld: bool = False
    recalled: str | None = None


def describe_completion(
    job: CompletionJob, update: Update, model: ModelInfo, encodings: Encodings, *, requested: int
) -> CompletionCard:
    """Of a job in progress or just finished."""
    steps = _steps(update)
    return CompletionCard(
        run_id=job.run_id,
        audience=Audience(job.owner, job.private),
        model=model_name(model),
        prompt=encodings.decode(job.prompt_ids, model.encoding),
        # Decoded at once: a character may lie across the border between two runs.
        written=encodings.decode(job.earlier_ids + token_ids(steps), model.encoding),
        params=job.params,
        update=update,
        tokens=len(steps),
        requested=requested,
        earlier=len(job.earlier),
        by_hand=job.by_hand,
        chosen=_chosen(job.by_hand, job.earlier, model, encodings),
        is_fork=job.is_fork,
        requested_by=job.owner if job.parent and not job.private else None,
    )


def describe_run(
    run: CompletionRun, update: Finished, model: ModelInfo, encodings: Encodings
) -> CompletionCard:
    """Of a run that is shown once more, to one person."""
    return CompletionCard(
        run_id=run.run_id,
        audience=Audience(run.owner, private=True),
        model=model_name(model),
        prompt=encodings.decode(run.prompt_ids, model.encoding),
        written=encodings.decode(run.token_ids, model.encoding),
        params=run.params,
        update=update,
        tokens=len(run.steps),
        requested=run.params.max_new_tokens,
        by_hand=run.by_hand,
        chosen=_chosen(run.by_hand, run.steps, model, encodings),
    )


def _steps(update: Update) -> tuple[Step, ...]:
    match update:
        case Progress():
            return update.steps
        case Finished():
            return update.completion.steps
        case Queued():
            return ()


def _chosen(by_hand: tuple[int, ...], steps: tuple[Step, ...], model: ModelInfo, encodings: Encodings) -> str:
    """The last token that a person chose, as it is shown; nothing if there is none."""
    if not by_hand:
        return ""
    return encodings.token(steps[by_hand[-1]].chosen.token_id, model.encoding).visible
