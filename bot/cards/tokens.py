"""The card of ``/tokens`` and ``/decode``: how an encoding splits a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from discord import ui

from bot.cards.layout import Audience, Row, arranged, picture, token_name, undrawn
from bot.cards.pictures.bars import Bar, Table
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.cards.pictures.stack import Block
from bot.cards.pictures.tiles import CAPTIONED, Rows, Tile, fitted
from bot.cards.signs import explained
from bot.quoting import plural
from bot.text.encoding_names import ALIKE, ENCODINGS
from bot.text.escaping import clip_end, code, inert, inert_head, isolated
from bot.text.pieces import Piece, Tokenized
from bot.text.wrapping import first_rows

PICTURE = "tokens.png"
LISTING = "tokens.txt"

_IDS_BUDGET = 38  # a line on a phone
_TEXT_BUDGET, _TEXT_ROWS = 400, 10
_PIECES_BUDGET = 700  # of the picture's text
_NAME_WIDTH = 60
_CHARACTER_BUDGET, _BYTES_BUDGET = 12, 36
_CAPTIONED, _COMPACT = 7, 10  # rows
_FAMILIES = {
    "gpt2": "GPT-2, GPT-3",
    "p50k_base": "Codex",
    "cl100k_base": "GPT-3.5, GPT-4",
    "o200k_base": "GPT-4o, GPT-5",
}


@dataclass(frozen=True, slots=True)
class TokensCard:
    """Everything the card shows, already in words, and its ``picture``, laid out.

    Describing a text of 6,000 characters takes long, so it happens off the event loop.
    ``decoded`` is the text that pasted ids stand for. ``listing`` is attached where the card itself leaves
    something out.
    """

    title: str
    decoded: str | None
    result: tuple[str, ...]
    facts: str
    picture: tuple[Block, ...]
    picture_text: str
    listing: str | None
    audience: Audience


def describe_tokens(
    tokenized: Tokenized,
    counts: Mapping[str, int],
    characters: int,
    *,
    audience: Audience,
    decoded: str | None = None,
) -> TokensCard:
    """Describe a tokenized text.

    ``counts`` are the numbers of tokens by encoding. If ids were pasted, ``decoded`` is their
    text, and ``counts`` is empty where that isn't a complete text.
    """
    pieces = tokenized.pieces
    tiles = fitted(token_tiles(pieces), captioned=_CAPTIONED, compact=_COMPACT)
    bars = encoding_bars(tokenized, counts)
    ids = _ids(tokenized)
    shown = [piece.visible for piece in pieces]
    missing = undrawn("".join(shown), twin=LISTING)
    says_all = len(ids) <= _IDS_BUDGET and not missing and all(len(piece.tokens) == 1 for piece in pieces)
    return TokensCard(
        title=f"{plural(len(tokenized.tokens), 'token')} in {_named(tokenized.encoding)}",
        decoded=None if decoded is None else inert_head(first_rows(decoded, _TEXT_ROWS), _TEXT_BUDGET),
        result=_result(tokenized, counts, ids="" if decoded is not None else ids, tiles=tiles),
        facts=" · ".join(filter(None, (*_sizes(tokenized, characters), explained(shown), missing))),
        picture=(tiles, Table(bars)) if bars else (tiles,),
        picture_text=_picture_text(tokenized, bars, tiles),
        listing=None if says_all else listing(tokenized, counts),
        audience=audience,
    )


def tokens(content: TokensCard) -> ui.LayoutView:
    """Build the card; it shows attachments named PICTURE, drawn from its ``picture``, and perhaps LISTING."""
    return arranged(
        "\n".join(filter(None, (f"### {content.title}", content.decoded))),
        Row(content.audience.button),
        picture=picture(PICTURE, content.picture_text),
        result=content.result,
        attached=None if content.listing is None else LISTING,
        facts=content.facts,
        colour=content.audience.colour,
    )


def token_tiles(pieces: Sequence[Piece]) -> list[Tile]:
    """Make the picture's tiles: each character or more above the ids of its tokens."""
    return [
        Tile(piece.visible, tuple(str(token.id) for token in piece.tokens), colour)
        for piece, colour in zip(pieces, cycle(LIGHT_COLOURS), strict=False)
    ]


def encoding_bars(tokenized: Tokenized, counts: Mapping[str, int]) -> tuple[Bar, ...]:
    """Make a bar for each encoding, as long as the number of tokens and divided into them."""
    most = max(counts.values(), default=1)
    own = ALIKE.get(tokenized.encoding, tokenized.encoding)
    is_shown = _is_own_split(tokenized, counts)
    return tuple(
        Bar(
            label=_FAMILIES.get(name, name),
            length=count / most,
            value=f"{count:,}",
            note=name if name in _FAMILIES else "this bot's model",
            mark="shown above" if name == own and is_shown else "",
            is_plain=True,
            parts=count,
        )
        for name, count in counts.items()
    )


def listing(tokenized: Tokenized, counts: Mapping[str, int]) -> str:
    """List the ids, and each piece on a line: its ids, text, and bytes if it has several tokens."""
    tokens = tokenized.tokens
    width = max((len(str(token.id)) for token in tokens), default=0)
    others = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    head = [
        f"{plural(len(tokens), 'token')} in {tokenized.encoding}",
        *([f"Tokens by encoding: {others}"] if others else []),
        f"Ids: [{_ids(tokenized)}]",
        "",
    ]
    return "\n".join([*head, *(_line(piece, width) for piece in tokenized.pieces), ""])


def _line(piece: Piece, width: int) -> str:
    ids = " ".join(f"{token.id:>{width}}" for token in piece.tokens)
    if len(piece.tokens) == 1:
        return f"{ids}  {isolated(piece.visible)}"
    return f"{ids}  {isolated(piece.visible)}  ← {_bytes(piece)}"


def _bytes(piece: Piece) -> str:
    return " | ".join(token.data.hex(" ").upper() for token in piece.tokens)


def _ids(tokenized: Tokenized) -> str:
    return ", ".join(str(token.id) for token in tokenized.tokens)


def _result(tokenized: Tokenized, counts: Mapping[str, int], *, ids: str, tiles: Rows) -> tuple[str, ...]:
    """Explain the picture, and say what it cannot; ``ids`` are those to copy, if there are only a few."""
    legend = f"Each box is a token. The ids are in {LISTING}."
    if tiles.style is CAPTIONED:
        legend = "Each box is a token. The number below is its id, all that the model reads."
    copied = f"Ids: {code(ids)}" if 0 < len(ids) <= _IDS_BUDGET else ""
    last = _comparison(tokenized, counts) or copied
    return tuple(filter(None, (legend, _bytes_of_one(tokenized.pieces), last)))


def _bytes_of_one(pieces: Sequence[Piece]) -> str:
    """Say in bytes what the picture cannot: how the first character of several tokens is split."""
    split = [piece for piece in pieces if len(piece.tokens) > 1]
    if not split:
        return ""
    first = split[0]
    name = token_name(first.visible, _CHARACTER_BUDGET)
    one = (
        f"{name} takes {len(first.tokens)} tokens; in bytes: {code(clip_end(_bytes(first), _BYTES_BUDGET))}."
    )
    return one if len(split) == 1 else f"{one} Others like it are in {LISTING}."


def _comparison(tokenized: Tokenized, counts: Mapping[str, int]) -> str:
    if not counts:
        return "These ids aren't a complete text: some of the bytes are only part of a character."
    if not _is_own_split(tokenized, counts):
        return f"{_named(tokenized.encoding)} itself would split this text differently."
    return ""


def _is_own_split(tokenized: Tokenized, counts: Mapping[str, int]) -> bool:
    """Whether the encoding itself splits the text so; ids that were pasted may split it otherwise."""
    # An encoding that splits every text as another one does isn't counted separately.
    own = counts.get(ALIKE.get(tokenized.encoding, tokenized.encoding))
    return len(tokenized.tokens) == own


def _sizes(tokenized: Tokenized, characters: int) -> list[str]:
    size = sum(len(token.data) for token in tokenized.tokens)
    return [
        plural(characters, "character"),
        f"{plural(size, 'byte')} in UTF-8",
        f"the model has {tokenized.vocabulary:,} token ids" if tokenized.vocabulary is not None else "",
    ]


def _named(encoding: str) -> str:
    """Name an encoding: a shipped one as it is, a model's as inert text."""
    return encoding if encoding in ENCODINGS else inert(clip_end(encoding, _NAME_WIDTH))


def _picture_text(tokenized: Tokenized, bars: Sequence[Bar], tiles: Rows) -> str:
    with_ids = tiles.style is CAPTIONED
    pieces = " | ".join(
        f"{piece.visible} {' '.join(str(token.id) for token in piece.tokens)}" if with_ids else piece.visible
        for piece in tokenized.pieces
    )
    split = clip_end(
        f"The text split into {plural(len(tokenized.tokens), 'token')}: {pieces}", _PIECES_BUDGET
    )
    counted = "; ".join(f"{bar.label} ({bar.note}): {bar.value}" for bar in bars)
    return f"{split}. Tokens by encoding: {counted}" if bars else split
