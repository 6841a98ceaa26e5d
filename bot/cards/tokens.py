"""The card of ``/tokens`` and ``/decode``: how an encoding splits a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

from discord import ui

from bot.cards.layout import Audience, Row, arranged, picture, undrawn
from bot.cards.pictures.bars import Bar, Table
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.cards.pictures.stack import Block
from bot.cards.pictures.tiles import CAPTIONED, MOST_CAPTIONS, Rows, Tile, fitted
from bot.cards.signs import explained
from bot.quoting import plural
from bot.text.encoding_names import ALIKE, ENCODINGS
from bot.text.escaping import clip_end, code, inert, inert_head, isolated
from bot.text.pieces import Piece, Tokenized
from bot.text.wrapping import first_rows

PICTURE = "tokens.png"
LISTING = "tokens.txt"

_IDS_BUDGET = 30  # a line on a phone
_TEXT_BUDGET, _TEXT_ROWS = 400, 10
_PIECES_BUDGET = 700  # of the picture's text
_NAME_WIDTH = 60
_CHARACTER_BUDGET, _SPLIT_BUDGET = 6, 15  # of a character, and of it with its bytes
_CAPTIONED, _COMPACT = 7, 10  # rows
_MODELS = {
    "gpt2": "GPT-2 and GPT-3",
    "p50k_base": "Codex",
    "cl100k_base": "GPT-3.5 and GPT-4",
    "o200k_base": "GPT-4o and GPT-5",
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
    if decoded is not None:
        result = _decoded_legend(tokenized, tiles), _comparison(tokenized, counts) or _bytes_of_one(pieces)
    else:
        # The file has the ids too, and one id is easily read off the picture.
        copied = f"Ids: {code(ids)}" if says_all and len(pieces) > 1 else ""
        result = _legend(tokenized, tiles), _bytes_of_one(pieces) or copied
    return TokensCard(
        title=f"{plural(len(tokenized.tokens), 'token')} for {_named(tokenized.encoding)}",
        decoded=None if decoded is None else inert_head(first_rows(decoded, _TEXT_ROWS), _TEXT_BUDGET),
        result=tuple(filter(None, result)),
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
            label=_MODELS.get(name, name),
            length=count / most,
            value=f"{count:,}",
            note=name if name in _MODELS else "this bot's model",
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


def _legend(tokenized: Tokenized, tiles: Rows) -> str:
    """Say how to read the picture, in two lines on a phone."""
    if _has_ids(tokenized, tiles):
        if _is_split(tokenized):
            return "Each number is the id of a token. The model reads nothing else."
        return "Each box is a token. The model reads only the id below it."
    boxes = "a token, or a character of several" if _is_split(tokenized) else "a token"
    return f"Each box is {boxes}. The ids are in {LISTING}."


def _decoded_legend(tokenized: Tokenized, tiles: Rows) -> str:
    """Say the same of pasted ids in one line, since there may be more to say of them."""
    if _has_ids(tokenized, tiles):
        is_split = _is_split(tokenized)
        return "Each number is the id of a token." if is_split else "Each box is a token above its id."
    return "Each box is a token or a character." if _is_split(tokenized) else "Each box is a token."


def _has_ids(tokenized: Tokenized, tiles: Rows) -> bool:
    """Whether the picture has every id."""
    return tiles.style is CAPTIONED and all(len(piece.tokens) <= MOST_CAPTIONS for piece in tokenized.pieces)


def _is_split(tokenized: Tokenized) -> bool:
    """Whether a character takes several tokens."""
    return any(len(piece.tokens) > 1 for piece in tokenized.pieces)


def _bytes_of_one(pieces: Sequence[Piece]) -> str:
    """Say in bytes what the picture cannot: how the first character of several tokens is split."""
    first = next((piece for piece in pieces if len(piece.tokens) > 1), None)
    if first is None:
        return ""
    name = clip_end(first.visible, _CHARACTER_BUDGET)
    data = clip_end(_bytes(first), _SPLIT_BUDGET - len(name))
    return f"{code(name)} is {len(first.tokens)} tokens: bytes {code(data)}."


def _comparison(tokenized: Tokenized, counts: Mapping[str, int]) -> str:
    """Say what is special about pasted ids."""
    if not counts:
        return "This isn't complete text: some bytes are only part of a character."
    if not _is_own_split(tokenized, counts):
        return "Tokenized again, this text is split differently."
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
    """Name an encoding as its bar does; a model's own as inert text."""
    if encoding in ENCODINGS:
        return _MODELS.get(encoding, encoding)
    return inert(clip_end(encoding, _NAME_WIDTH))


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
