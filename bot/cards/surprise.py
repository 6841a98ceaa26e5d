"""The card of ``/surprise``: every token coloured by its surprise, and the three biggest ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discord import ui

from bot.cards.layout import Audience, Row, arranged, picture, token_name, undrawn
from bot.cards.pictures.cells import Cells
from bot.cards.pictures.legend import Legend
from bot.cards.pictures.stack import Block
from bot.cards.pictures.tiles import Tile, fitted, passages
from bot.cards.signs import explained
from bot.cards.surprise_listing import listing
from bot.features.surprise import Level, Part, Reading, Scored
from bot.quoting import ordinal, plural
from bot.text.escaping import clip_end, inert

PICTURE = "surprise.png"
LISTING = "surprise.txt"

_MOST = 3
_NAMES = 12  # characters of the names in a line, so that it fits on a phone
_MODEL_BUDGET = 100
_CAPTIONED, _COMPACT = 7, 12  # rows; a longer text becomes a map
# Light enough for dark letters; the bits say the same without colour.
_COLOURS = {
    Level.EXPECTED: "#a5e6ba",
    Level.MILD: "#ffd166",
    Level.HIGH: "#ff9b85",
    Level.EXTREME: "#cdb4f6",
}
_UNSCORED = "#8b909c"
_NO_BITS = "–"
_LEGEND = Legend(
    "Surprise in bits:",
    (
        (_COLOURS[Level.EXPECTED], "0–2"),
        (_COLOURS[Level.MILD], "3–6"),
        (_COLOURS[Level.HIGH], "7–10"),
        (_COLOURS[Level.EXTREME], "11+"),
    ),
)


@dataclass(frozen=True, slots=True)
class SurpriseCard:
    """Everything the card shows, already in words, and its ``picture``, laid out.

    Describing 1,000 tokens takes long, so it happens off the event loop.
    """

    hardness: str
    biggest: tuple[str, ...]
    facts: str
    picture: tuple[Block, ...]
    picture_text: str
    listing: str
    audience: Audience


def describe_surprise(reading: Reading, *, model: str, vocabulary: int, audience: Audience) -> SurpriseCard:
    """Describe a scored text; ``vocabulary`` is how many tokens the model ranked each time."""
    parts = reading.parts()
    most = reading.most_surprising(_MOST)
    return SurpriseCard(
        hardness=_hardness(reading.perplexity, vocabulary),
        biggest=tuple(_entry(*one) for one in most),
        facts=_facts(reading, parts, most, model),
        picture=_picture(parts, most),
        picture_text=_picture_text(parts, most),
        listing=listing(reading, model),
        audience=audience,
    )


def surprise(content: SurpriseCard) -> ui.LayoutView:
    """Build the card; it shows attachments named PICTURE, drawn from its ``picture``, and LISTING."""
    return arranged(
        f"### How surprising is this text?\n{content.hardness}",
        Row(content.audience.button),
        picture=picture(PICTURE, content.picture_text),
        result=content.biggest or ("**No surprises:** every token was the model's top guess.",),
        attached=LISTING,
        facts=content.facts,
        colour=content.audience.colour,
    )


def surprise_tiles(parts: Sequence[Part], most: Sequence[tuple[Part, Scored]]) -> list[Tile]:
    """Make a tile for each character or more, above its bits; the biggest surprises stand out."""
    marked = {part.start for part, _ in most}
    return [Tile(part.piece.visible, (_bits(part),), _colour(part), part.start in marked) for part in parts]


def _picture(parts: Sequence[Part], most: Sequence[tuple[Part, Scored]]) -> tuple[Block, ...]:
    """Show all tiles, or of a long text a map of them, and those around its biggest surprises."""
    tiles = surprise_tiles(parts, most)
    rows = fitted(tiles, captioned=_CAPTIONED, compact=_COMPACT)
    if not rows.left_out:
        return rows, _LEGEND
    place_of = {part.start: place for place, part in enumerate(parts)}
    places = [place_of[part.start] for part, _ in most]
    cells = Cells(tuple(tile.colour for tile in tiles), frozenset(places), rows.from_right)
    return cells, *passages(tiles, places), _LEGEND


def _hardness(perplexity: float, vocabulary: int) -> str:
    if perplexity > vocabulary:
        return f"A blind pick among all {vocabulary:,} tokens would have guessed better than the model."
    options = round(perplexity)
    if options == 1:
        return "The model was almost certain of every token."
    return f"Guessing each token was like choosing among **{options:,} equal options**."


def _entry(part: Part, scored: Scored) -> str:
    """Say in one line what came and what the model expected."""
    came, surprise = part.piece.visible, f"**{_bits(part)} bits**"
    if len(part.piece.tokens) > 1:
        return f"{token_name(came, _NAMES)} {surprise} in {len(part.piece.tokens)} tokens"
    if not scored.expected:
        return f"{token_name(came, _NAMES)} {surprise}, its {ordinal(scored.rank)} choice"
    expected = scored.expected[0].token.visible
    return f"{_beside(came, expected)} {surprise} · it expected {_beside(expected, came)}"


def _beside(visible: str, other: str) -> str:
    """Name a token in the room that ``other`` leaves; if both are long, each gets half."""
    return token_name(visible, max(_NAMES // 2, _NAMES - len(other)))


def _facts(reading: Reading, parts: Sequence[Part], most: Sequence[tuple[Part, Scored]], model: str) -> str:
    shown = [part.piece.visible for part in parts]
    named = [
        one.token.visible
        for part, scored in most
        if len(part.piece.tokens) == 1
        for one in scored.expected[:1]
    ]
    facts = (
        inert(clip_end(model, _MODEL_BUDGET)),
        plural(len(reading.tokens), "token"),
        "1 bit = one coin flip",
        "the first token isn't scored",
        explained([*shown, *named]),
        undrawn("".join(shown), twin=LISTING),
    )
    return " · ".join(filter(None, facts))


def _picture_text(parts: Sequence[Part], most: Sequence[tuple[Part, Scored]]) -> str:
    biggest = ", ".join(f"{part.piece.visible} {_bits(part)}" for part, _ in most)
    every = " | ".join(f"{part.piece.visible} {_bits(part)}" for part in parts)
    head = f"The biggest surprises: {biggest}. " if biggest else ""
    return f"{head}Each token with its surprise in bits: {every}"


def _colour(part: Part) -> str:
    return _COLOURS[part.level] if part.level else _UNSCORED


def _bits(part: Part) -> str:
    return f"{round(part.bits):,}" if part.scored else _NO_BITS
