"""What the stations of a tour show: one text, and everything the model computed for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.features.complete import CompletionRun
from bot.features.tour import agreeing
from bot.model.model_info import ModelInfo
from bot.model.protocol import Candidate, SamplingParams, Step
from bot.queue.updates import token_ids
from bot.text.escaping import clip_end, visible
from bot.text.pieces import Token
from bot.text.tokenization import Encodings

TOKEN_WIDTH = 24
# How many rounds of adding a token are shown one by one.
ROUNDS = 3
# A word of more tokens can't be taken in at a glance.
_FEW = 6


@dataclass(frozen=True, slots=True)
class Cased:
    """A word on its own, and its token ids."""

    word: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Repetition:
    """The text of the same request made again; its first ``same`` tokens agree with the original.

    ``names`` are its tokens in visible form.
    """

    same: int
    written: str
    names: tuple[str, ...]
    is_identical: bool


@dataclass(frozen=True, slots=True)
class Lesson:
    """Everything the stations show of one text.

    ``steps`` are the model's after the text, and ``written`` is what they added; ``rounds`` has
    the text before each of the first few. ``cased`` is the text's first word with a small and a
    capital first letter, or empty if it has no such letter or too many tokens. ``rows`` are the
    steps after each token but the last, ``reshaped`` are other temperatures with the step right after
    the text at each, and ``again`` is the text of a second request; only the stations about them have
    these. ``names`` has the visible form of every id in a step.
    """

    model: ModelInfo
    text: str
    tokens: tuple[Token, ...]
    cased: tuple[Cased, ...]
    steps: tuple[Step, ...]
    rounds: tuple[str, ...]
    written: str
    ended: bool
    params: SamplingParams
    names: dict[int, str]
    rows: tuple[Step, ...] = ()
    reshaped: tuple[tuple[float, Step], ...] = ()
    again: Repetition | None = None

    @property
    def next(self) -> Step:
        """The step right after the text."""
        return self.steps[0]

    @property
    def seed(self) -> int:
        return self.params.seed

    def name(self, candidate: Candidate) -> str:
        return clip_end(self.names[candidate.token_id], TOKEN_WIDTH)


def describe_lesson(
    run: CompletionRun,
    model: ModelInfo,
    encodings: Encodings,
    *,
    rows: tuple[Step, ...] = (),
    reshaped: tuple[tuple[float, Step], ...] = (),
    again: Sequence[int] | None = None,
) -> Lesson:
    """Describe ``run`` as a lesson; ``again`` are the tokens of a second, identical request."""
    encoding = model.encoding

    def decoded(ids: Sequence[int]) -> str:
        return encodings.decode(ids, encoding)

    def name(token_id: int) -> str:
        return encodings.token(token_id, encoding).visible

    text = decoded(run.prompt_ids)
    ids = run.prompt_ids + run.token_ids
    steps = (*run.steps, *rows, *(step for _, step in reshaped))
    said = {candidate.token_id for step in steps for candidate in (step.chosen, *step.candidates)}
    return Lesson(
        model=model,
        text=text,
        tokens=tuple(encodings.token(token_id, encoding) for token_id in run.prompt_ids),
        cased=_cased(text, encodings, encoding),
        steps=run.steps,
        rounds=tuple(
            decoded(ids[: len(run.prompt_ids) + count]) for count in range(min(ROUNDS, len(run.steps)))
        ),
        written=decoded(token_ids(run.steps)),
        ended=run.finish_reason == "stop",
        params=run.params,
        names={token_id: name(token_id) for token_id in said},
        rows=rows,
        reshaped=reshaped,
        again=None
        if again is None
        else Repetition(
            same=agreeing(run.token_ids, again),
            written=decoded(again),
            names=tuple(map(name, again)),
            is_identical=run.token_ids == tuple(again),
        ),
    )


def _cased(text: str, encodings: Encodings, encoding: str) -> tuple[Cased, ...]:
    word = next(iter(text.split()), "")
    other = word[:1].swapcase() + word[1:]
    both = tuple(Cased(visible(written), encodings.encode(written, encoding)) for written in (word, other))
    short = len(word) <= TOKEN_WIDTH and all(len(cased.ids) <= _FEW for cased in both)
    return both if short and other != word else ()
