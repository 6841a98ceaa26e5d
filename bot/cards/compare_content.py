"""What the card of ``/compare`` shows: the texts, and where each differs from the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.cards.layout import Audience, model_name
from bot.errors import UnavailableError, Withheld
from bot.features.compare import Continuation, divergence
from bot.features.complete import CompletionJob, CompletionRun
from bot.model.model_info import ModelInfo
from bot.queue.updates import Completion, Finished, News
from bot.text.tokenization import Encodings


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first position (from 0) at which a text differs from the first one, and the two tokens there.

    Their names are empty if they must not be shown.
    """

    position: int
    own: str
    first: str


@dataclass(frozen=True, slots=True)
class ComparedText:
    """A method's continuation with its text, of which ``shared`` characters are the first one's, too.

    ``divergence`` is None as long as all of it is.
    """

    continuation: Continuation
    text: str
    divergence: Divergence | None
    shared: int = 0


@dataclass(frozen=True, slots=True)
class ComparisonCard:
    """All that the card shows; the other ``texts`` are compared with the first."""

    model: str
    prompt: str
    texts: tuple[ComparedText, ...]
    seed: int
    max_tokens: int
    audience: Audience

    @property
    def over(self) -> bool:
        return all(one.continuation.over for one in self.texts)


def describe_comparison(
    job: CompletionJob, written: Sequence[Continuation], model: ModelInfo, encodings: Encodings
) -> ComparisonCard:
    """``job`` is the first one's; all have its prompt, seed and number of tokens."""
    return ComparisonCard(
        model=model_name(model),
        prompt=encodings.decode(job.prompt_ids, model.encoding),
        texts=tuple(_compared(one, written[0], encodings, model.encoding) for one in written),
        seed=job.params.seed,
        max_tokens=job.params.max_new_tokens,
        audience=Audience(job.owner, job.private),
    )


def describe_kept(
    written: Sequence[Continuation], run: CompletionRun, encodings: Encodings
) -> ComparisonCard:
    """What is kept of the comparison that ``run`` is a part of, for one person."""
    encoding = run.fingerprint.encoding
    return ComparisonCard(
        model="",
        prompt=encodings.decode(run.prompt_ids, encoding),
        texts=tuple(_compared(one, written[0], encodings, encoding) for one in written),
        seed=run.params.seed,
        max_tokens=run.params.max_new_tokens,
        audience=Audience(run.owner, private=True),
    )


def _compared(one: Continuation, first: Continuation, encodings: Encodings, encoding: str) -> ComparedText:
    """Describe ``one`` in comparison with the ``first``."""
    text = encodings.decode(one.token_ids, encoding)
    if one is first:
        return ComparedText(one, text, None)
    position = divergence(first.token_ids, one.token_ids)
    if position is None:
        both = min(len(one.token_ids), len(first.token_ids))
        return ComparedText(one, text, None, _shared(text, one.token_ids[:both], encodings, encoding))
    own, other = (encodings.token(of.token_ids[position], encoding).visible for of in (one, first))
    shared = _shared(text, one.token_ids[:position], encodings, encoding)
    return ComparedText(one, text, Divergence(position, own, other), shared)


def _shared(text: str, ids: tuple[int, ...], encodings: Encodings, encoding: str) -> int:
    """How many characters of ``text`` its first tokens are; one may end within a character."""
    first = encodings.decode(ids, encoding)
    return next((place for place, (a, b) in enumerate(zip(text, first, strict=False)) if a != b), len(first))


def ending(news: News) -> str:
    """Say how a text ended if it is not by itself."""
    match news:
        case Finished(Completion(_, "cancelled")):
            return "stopped"
        case UnavailableError():
            return "cut short"
        case Withheld():
            return "withheld"
        case _:
            return ""


def differing(one: ComparedText, first: ComparedText) -> str:
    """Say where a text differs from the first one."""
    if one.divergence is not None:
        name = first.continuation.method.name
        return f"differs from {name} at token {one.divergence.position + 1}"
    return sameness(one, first)


def sameness(one: ComparedText, first: ComparedText) -> str:
    """Say that a finished text is the first one's."""
    if one.divergence is not None:
        return ""
    same = one is not first and one.continuation.token_ids == first.continuation.token_ids != ()
    over = one.continuation.over and first.continuation.over
    return f"same text as {first.continuation.method.name}" if same and over else ""
