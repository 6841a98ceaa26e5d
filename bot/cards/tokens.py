"""The card of ``/tokens`` and ``/decode``: how an encoding splits a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import DONE_COLOUR, Audience, Row, Text, card, rule, small, undrawn
from bot.quoting import plural
from bot.text.encoding_names import ALIKE, ENCODINGS
from bot.text.escaping import clip_end, code, fenced, inert, inert_tail, isolated
from bot.text.pieces import Piece, Tokenized

PICTURE = "tokens.png"
LISTING = "tokens.txt"

_TABLE_BUDGET = 1_500
_IDS_BUDGET = 800
_TEXT_BUDGET = 600
_ALT_BUDGET = 1_000
_NAME_WIDTH = 60
_LEGEND = (
    "Each box is a token; the number below it is its id, which is all that the model reads. "
    "A box with several ids is one character made of several tokens."
)
_FAMILIES = {
    "gpt2": "gpt2 (GPT-2, GPT-3)",
    "p50k_base": "p50k_base (Codex, text-davinci-003)",
    "cl100k_base": "cl100k_base (GPT-3.5, GPT-4)",
    "o200k_base": "o200k_base (GPT-4o and later)",
}


@dataclass(frozen=True, slots=True)
class TokensCard:
    """Everything the card shows, already in words.

    Describing a text of 6,000 characters takes long, so it happens off the event loop.
    ``decoded`` is the text that pasted ids stand for.
    """

    encoding: str
    vocabulary: int | None
    token_count: int
    byte_count: int
    characters: int
    counts: Mapping[str, int]
    ids: str
    undrawn: str
    picture_text: str
    listing: str
    decoded: str | None
    audience: Audience

    @property
    def needs_listing(self) -> bool:
        """Whether only the attached file has the whole table."""
        return len(self.listing) > _TABLE_BUDGET


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
    tokens = tokenized.tokens
    return TokensCard(
        encoding=tokenized.encoding,
        vocabulary=tokenized.vocabulary,
        token_count=len(tokens),
        byte_count=sum(len(token.data) for token in tokens),
        characters=characters,
        counts=counts,
        ids=clip_end("[" + ", ".join(str(token.id) for token in tokens) + "]", _IDS_BUDGET),
        undrawn=undrawn("".join(piece.visible for piece in tokenized.pieces), twin="the list below it"),
        picture_text=_picture_text(tokenized),
        listing=listing(tokenized),
        decoded=None if decoded is None else inert_tail(decoded, _TEXT_BUDGET),
        audience=audience,
    )


def tokens(content: TokensCard) -> ui.LayoutView:
    """Build the card; it shows attachments named PICTURE and, if needed, LISTING."""
    head = f"### {plural(content.token_count, 'token')} in {_named(content.encoding)}"
    if content.decoded is not None:
        head += f"\n{content.decoded}"
    size = f"{plural(content.characters, 'character')} · {plural(content.byte_count, 'byte')} in UTF-8"
    if content.vocabulary is not None:
        size += f" · the model has {content.vocabulary:,} token ids"
    view = [
        Text(head),
        Text(small(f"{_LEGEND} {content.undrawn}".rstrip())),
        ui.MediaGallery[ui.LayoutView](
            discord.MediaGalleryItem(f"attachment://{PICTURE}", description=content.picture_text)
        ),
        Text(fenced(_clip_lines(content.listing, _TABLE_BUDGET))),
        Text(f"**Ids** {code(content.ids)}"),
        rule(),
        Text("\n".join(filter(None, (_comparison(content), small(size))))),
    ]
    if content.needs_listing:
        view.append(ui.File(f"attachment://{LISTING}"))
    return card(*view, Row(content.audience.button), colour=DONE_COLOUR)


def listing(tokenized: Tokenized) -> str:
    """List the pieces, one per line: ids, text, and the bytes of a character of several tokens."""
    width = max((len(str(token.id)) for token in tokenized.tokens), default=0)
    return "\n".join(_line(piece, width) for piece in tokenized.pieces)


def _line(piece: Piece, width: int) -> str:
    ids = " ".join(f"{token.id:>{width}}" for token in piece.tokens)
    if len(piece.tokens) == 1:
        return f"{ids}  {isolated(piece.visible)}"
    data = " | ".join(token.data.hex(" ").upper() for token in piece.tokens)
    return f"{ids}  {isolated(piece.visible)}  ← {data}"


def _comparison(content: TokensCard) -> str:
    if not content.counts:
        return "These ids aren't a complete text: some of the bytes are only part of a character."
    line = "**Tokens by encoding:** " + " · ".join(
        f"{_FAMILIES.get(name) or _named(name)} **{count:,}**" for name, count in content.counts.items()
    )
    # An encoding that splits every text as another one does isn't counted separately.
    if content.token_count != content.counts[ALIKE.get(content.encoding, content.encoding)]:
        line += f"\n{_named(content.encoding)} itself would split this text differently."
    return line


def _named(encoding: str) -> str:
    """Name an encoding: a shipped one as it is, a model's as inert text."""
    return encoding if encoding in ENCODINGS else inert(clip_end(encoding, _NAME_WIDTH))


def _picture_text(tokenized: Tokenized) -> str:
    pieces = " | ".join(piece.visible for piece in tokenized.pieces)
    return clip_end(f"The text split into {plural(len(tokenized.tokens), 'token')}: {pieces}", _ALT_BUDGET)


def _clip_lines(text: str, limit: int) -> str:
    """Keep whole lines of ``text`` up to ``limit`` characters, and count the rest."""
    if len(text) <= limit:
        return text
    lines = text.split("\n")
    kept: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in kept) + len(line) > limit - 60:
            break
        kept.append(line)
    return "\n".join([*kept, f"… and {len(lines) - len(kept):,} more lines, all in {LISTING}"])
