"""A comparison's picture, in branches, and the same in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.cards.compare_content import ComparedText, ComparisonCard, differing, ending, sameness
from bot.cards.pictures.branches import SHARED, Branch
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.cards.pictures.paragraphs import Span
from bot.errors import Withheld
from bot.features.compare import FEW, METHODS
from bot.text.escaping import NEWLINE_SIGN, clip_end, visible
from bot.text.wrapping import last_rows

PLACES = "①②③④⑤⑥"
_DRAWN_ROWS = 4  # of the prompt in the picture
_ALT_BUDGET = 850  # for the texts; the rest is for what is said of them
_BLUE, _YELLOW, _GREEN, _PINK, _PURPLE, _ORANGE = LIGHT_COLOURS
_COLOURS = dict(zip(METHODS, (_BLUE, _PURPLE, _YELLOW, _GREEN, _PINK, _ORANGE), strict=True))
_NUMBERS = {len(FEW): "three", len(METHODS): "six"}


def comparison_tree(content: ComparisonCard) -> tuple[tuple[Span, ...], tuple[Branch, ...]]:
    """Make the picture: the beginning that all share, and a branch for each text."""
    common = _common(content)
    beginning = last_rows(in_a_line(content.prompt), _DRAWN_ROWS)
    branches = tuple(
        Branch(name_of(place, one), _note(one, content.texts[0]), _colour(one), tuple(_words(one, common)))
        for place, one in placed(content)
    )
    return (Span(beginning + in_a_line(content.texts[0].text[:common]), SHARED),), branches


def comparison_alt(content: ComparisonCard) -> str:
    """Say what the picture shows: the prompt, and of each text where it differs and how it begins."""
    prompt = clip_end(last_rows(in_a_line(content.prompt), _DRAWN_ROWS), _alt_room(content))
    texts = [
        f"{head}: {clip_end(words, max(1, room))}"
        for head, words, room in (_said(place, one, content) for place, one in placed(content))
    ]
    return "; ".join([f"“{prompt}” goes on in {counted(content)} ways", *texts])


def is_cut(content: ComparisonCard) -> bool:
    """Whether a text is whole only in the attached file, and on its own card."""
    said = (_said(place, one, content) for place, one in placed(content))
    return any(len(words) > room for _, words, room in said)


def comparison_texts(content: ComparisonCard) -> str:
    """The prompt and all texts as they are, for the file."""
    texts = (f"{name_of(place, one)}\n{one.text.strip()}\n" for place, one in placed(content))
    return "\n".join([f"{content.prompt}\n", *texts])


def counted(content: ComparisonCard) -> str:
    return _NUMBERS[len(content.texts)]


def placed(content: ComparisonCard) -> Iterator[tuple[str, ComparedText]]:
    return zip(PLACES, content.texts, strict=False)


def name_of(place: str, one: ComparedText) -> str:
    return f"{place} {one.continuation.method.name}"


def in_a_line(text: str) -> str:
    """``text`` in its visible form, but with spaces and without line breaks."""
    in_a_line = re.sub(r"[^\S\n]*\n\s*", f" {NEWLINE_SIGN} ", text)
    return " ".join(map(visible, in_a_line.split(" ")))


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
        yield Span(in_a_line(one.text[common:shared]).lstrip(), SHARED)
        own = in_a_line(one.text[shared:])
        yield Span(own if shared > common else own.lstrip(), colour)


def _colour(one: ComparedText) -> str:
    return _COLOURS[one.continuation.method]


def _note(one: ComparedText, first: ComparedText) -> str:
    return ending(one.continuation.news) or sameness(one, first) or one.continuation.method.effect


def _said(place: str, one: ComparedText, content: ComparisonCard) -> tuple[str, str, int]:
    """What the alt text says about a text, the text itself, and how many characters of it have room."""
    about = ", ".join(filter(None, (differing(one, content.texts[0]), ending(one.continuation.news))))
    words = "".join(span.text for span in _words(one, 0))
    return ", ".join(filter(None, (name_of(place, one), about))), words, _alt_room(content) - len(about)


def _alt_room(content: ComparisonCard) -> int:
    return _ALT_BUDGET // (len(content.texts) + 1)
