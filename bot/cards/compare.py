"""The card of ``/compare``: one prompt, continued by several methods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import (
    WAITING_COLOUR,
    WRITING_COLOUR,
    Audience,
    Button,
    Row,
    arranged,
    button,
    model_name,
    numbers_button,
    picture,
    spaced,
)
from bot.cards.pictures.branches import SHARED, Branch
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.cards.pictures.paragraphs import Span
from bot.custom_ids import custom_id
from bot.errors import UnavailableError, Withheld
from bot.features.compare import FEW, METHODS, Continuation, divergence
from bot.features.complete import CompletionJob, CompletionRun
from bot.model.model_info import ModelInfo
from bot.queue.updates import Completion, Finished, News, Queued
from bot.quoting import plural
from bot.text.escaping import NEWLINE_SIGN, bold, clip_end, inert_head, inert_tail, visible
from bot.text.tokenization import Encodings
from bot.text.wrapping import last_rows

PICTURE = "branches.png"
TEXTS = "texts.txt"
PLACES = "①②③④⑤⑥"

_PROMPT_BUDGET = 600
_PROMPT_ROWS = 6
_DRAWN_ROWS = 4  # of the prompt in the picture
_TEXT_BUDGET = 400
_TEXT_ROWS = 4  # while it is written
_ALT_BUDGET = 850  # for the texts; the rest is for what is said of them
_MODEL_BUDGET = 100
_IN_A_ROW = 3  # buttons
_BLUE, _YELLOW, _GREEN, _PINK, _PURPLE, _ORANGE = LIGHT_COLOURS
_COLOURS = dict(zip(METHODS, (_BLUE, _PURPLE, _YELLOW, _GREEN, _PINK, _ORANGE), strict=True))
_NUMBERS = {len(FEW): "three", len(METHODS): "six"}


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


def comparison(content: ComparisonCard) -> ui.LayoutView:
    """Build the card; once all is over it shows an attachment named PICTURE, drawn from
    :func:`comparison_tree`, and one named TEXTS if it :func:`is_cut`."""
    return _done(content) if content.over else _writing(content)


def comparison_tree(content: ComparisonCard) -> tuple[tuple[Span, ...], tuple[Branch, ...]]:
    """Make the picture: the beginning that all share, and a branch for each text."""
    common = _common(content)
    beginning = last_rows(_in_a_line(content.prompt), _DRAWN_ROWS)
    branches = tuple(
        Branch(_name(place, one), _note(one, content.texts[0]), _colour(one), tuple(_words(one, common)))
        for place, one in _placed(content)
    )
    return (Span(beginning + _in_a_line(content.texts[0].text[:common]), SHARED),), branches


def _title(content: ComparisonCard) -> str:
    return f"### One prompt, {_counted(content)} ways to go on"


def _counted(content: ComparisonCard) -> str:
    return _NUMBERS[len(content.texts)]


def _common(content: ComparisonCard) -> int:
    """How many characters all texts share that have any."""
    first, *others = content.texts
    return min((one.shared for one in others if one.text), default=0) if first.text else 0


def _words(one: ComparedText, common: int) -> Iterator[Span]:
    """The text from where not all have the same on: first what the first one shares, then its own."""
    if isinstance(one.continuation.news, Withheld):
        yield Span("(withheld)", SHARED)
    elif not one.text.strip():
        yield Span("(nothing visible)", SHARED)
    else:
        colour = _colour(one)
        shared = max(common, one.shared)
        yield Span(_in_a_line(one.text[common:shared]).lstrip(), SHARED)
        own = _in_a_line(one.text[shared:])
        yield Span(own if shared > common else own.lstrip(), colour)


def _colour(one: ComparedText) -> str:
    return _COLOURS[one.continuation.method]


def _name(place: str, one: ComparedText) -> str:
    return f"{place} {one.continuation.method.name}"


def _note(one: ComparedText, first: ComparedText) -> str:
    return ending(one.continuation.news) or sameness(one, first) or one.continuation.method.effect


def _done(content: ComparisonCard) -> ui.LayoutView:
    return arranged(
        _title(content),
        *_opening(content),
        Row(*_actions(content)),
        picture=picture(PICTURE, _alt_text(content)),
        result=_result(content),
        attached=TEXTS if is_cut(content) else None,
        facts=_facts(content),
        colour=content.audience.colour,
    )


def _writing(content: ComparisonCard) -> ui.LayoutView:
    prompt = bold(inert_tail(last_rows(content.prompt, _PROMPT_ROWS), _PROMPT_BUDGET))
    texts = [f"**{_name(place, one)}** {_growing(one)}" for place, one in _placed(content)]
    waits = all(isinstance(one.continuation.news, Queued) for one in content.texts)
    stop = custom_id("compare", "stop", content.texts[0].continuation.run_id)
    return arranged(
        prompt,
        Row(button("Stop", stop, style=discord.ButtonStyle.danger)),
        result=texts,
        facts=_facts(content),
        colour=WAITING_COLOUR if waits else WRITING_COLOUR,
    )


def _growing(one: ComparedText) -> str:
    """The end of what is written so far."""
    if isinstance(one.continuation.news, Queued):
        return "⏳"
    if isinstance(one.continuation.news, Withheld):
        return "(withheld)"
    sign = "" if one.continuation.over else " ✍️"
    return inert_tail(last_rows(_in_a_line(one.text).strip(), _TEXT_ROWS), _TEXT_BUDGET) + sign


def _alt_text(content: ComparisonCard) -> str:
    """Say what the picture shows: the prompt, and of each text where it differs and how it begins."""
    prompt = clip_end(last_rows(_in_a_line(content.prompt), _DRAWN_ROWS), _alt_room(content))
    texts = [
        f"{head}: {clip_end(words, max(1, room))}"
        for head, words, room in (_said(place, one, content) for place, one in _placed(content))
    ]
    return "; ".join([f"“{prompt}” goes on in {_counted(content)} ways", *texts])


def _said(place: str, one: ComparedText, content: ComparisonCard) -> tuple[str, str, int]:
    """What the alt text says about a text, the text itself, and how many characters of it have room."""
    about = ", ".join(filter(None, (differing(one, content.texts[0]), ending(one.continuation.news))))
    words = "".join(span.text for span in _words(one, 0))
    return ", ".join(filter(None, (_name(place, one), about))), words, _alt_room(content) - len(about)


def _alt_room(content: ComparisonCard) -> int:
    return _ALT_BUDGET // (len(content.texts) + 1)


def _placed(content: ComparisonCard) -> Iterator[tuple[str, ComparedText]]:
    return zip(PLACES, content.texts, strict=False)


def is_cut(content: ComparisonCard) -> bool:
    """Whether a text is whole only in the attached file TEXTS, and on its own card."""
    said = (_said(place, one, content) for place, one in _placed(content))
    return any(len(words) > room for _, words, room in said)


def comparison_texts(content: ComparisonCard) -> str:
    """The prompt and all texts as they are, for the file."""
    texts = (f"{_name(place, one)}\n{one.text.strip()}\n" for place, one in _placed(content))
    return "\n".join([f"{content.prompt}\n", *texts])


def _result(content: ComparisonCard) -> list[str]:
    lines = ["Grey is shared; colour begins where a text differs from ①. Open one to continue it."]
    notes = spaced(content.prompt)
    if recalled := sum(one.continuation.recalled for one in content.texts):
        notes.insert(0, f"{recalled} of these {len(content.texts)} texts are saved replies.")
    if any(isinstance(one.continuation.news, Withheld) for one in content.texts):
        notes.insert(0, "What is withheld contains a word that this community has blocked.")
    return [*lines, " ".join(notes)] if notes else lines


def _facts(content: ComparisonCard) -> str:
    settings = f"seed {content.seed} · up to {plural(content.max_tokens, 'token')} each"
    return f"{inert_head(content.model, _MODEL_BUDGET)} · {settings}"


def _opening(content: ComparisonCard) -> list[Row]:
    """Buttons that open the texts; what has no token is no run that could be opened."""
    buttons = [
        button(
            _name(place, one),
            custom_id("compare", "open", one.continuation.run_id),
            disabled=not one.continuation.steps,
        )
        for place, one in _placed(content)
    ]
    return [Row(*buttons[start : start + _IN_A_ROW]) for start in range(0, len(buttons), _IN_A_ROW)]


def _actions(content: ComparisonCard) -> list[Button]:
    written = [one.continuation.run_id for one in content.texts if one.continuation.steps]
    actions = [content.audience.button]
    if written:
        actions.insert(0, numbers_button("compare", written[0]))
    if written and len(content.texts) < len(METHODS):
        show_all = custom_id("compare", "all", written[0])
        actions.insert(0, button("Show all six", show_all, style=discord.ButtonStyle.primary))
    return actions


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
    return f"the same text as {first.continuation.method.name}" if same and over else ""


def _in_a_line(text: str) -> str:
    """``text`` in its visible form, but with spaces and without line breaks."""
    in_a_line = re.sub(r"[^\S\n]*\n\s*", f" {NEWLINE_SIGN} ", text)
    return " ".join(map(visible, in_a_line.split(" ")))
