"""The card of ``/vocabulary``: a token, what is alike for the model, its neighbours by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import discord
from discord import ui

from bot.cards.layout import DONE_COLOUR, Closing, Row, Text, bar, card, plural, rule, small
from bot.custom_ids import vocabulary_id
from bot.text import clip_end, code, fenced, inert
from bot.tokenization import Token

_FORM_WIDTH = 24  # in a code block on a phone
_TYPED_WIDTH = 40
_BAR_WIDTH = 8
_MOST_BYTES = 24
_MOST_OPTIONS = 25

_ALIKE = (
    "For the model a token is a list of numbers, its embedding, which training has found. These point most "
    "nearly the same way. The bar is the cosine of the angle between the two: 1 is the same direction, 0 is "
    "nothing in common."
)
_UNSEEN = (
    "So alike to so many: perhaps this token was hardly ever in the texts that the model was trained on, and "
    "its numbers have stayed near where they began, as those of others have."
)
_UNSEEN_FROM = 0.95  # the cosine of the last of those shown
_NEIGHBOURS = (
    "Ids count in which order the pieces were put together when the vocabulary was made, the frequent ones "
    "first. They say nothing of the meaning."
)
_PART = "It is part of a character only: a rare character is made of several tokens."
_END = "It is no piece of a text: with it the model says that a text is over."


@dataclass(frozen=True, slots=True)
class Similar:
    """``cosine`` is that of the angle between two tokens' embeddings: 1 is the same direction."""

    token: Token
    cosine: float


@dataclass(frozen=True, slots=True)
class VocabularyCard:
    """All that the card shows.

    ``twin`` is the same with or without the space before it. ``longer`` are tokens
    that begin with ``stem``, ``count`` in all. ``typed`` is what was asked for where
    no token is exactly that; ``spelt`` is the token that a number is as a text, where
    it was taken for an id.
    """

    model: str
    size: int
    token: Token
    ends_text: bool
    twin: Token | None
    stem: str
    longer: tuple[Token, ...]
    count: int
    neighbours: tuple[Token, ...]
    similar: tuple[Similar, ...]
    closing: Closing
    typed: str | None = None
    spelt: Token | None = None


def vocabulary(content: VocabularyCard) -> ui.LayoutView:
    blocks: list[ui.Item[ui.LayoutView]] = [Text("\n".join(_head(content)))]
    if content.similar:
        blocks += [rule(), Text(_similar(content))]
    blocks += [rule(), Text(_neighbours(content))]
    if content.longer:
        blocks += [rule(), Text(_longer(content))]
    if others := _others(content):
        blocks.append(Row(_menu(content, others)))
    return card(*blocks, Text(small(_legend(content))), Row(content.closing.button), colour=DONE_COLOUR)


def _head(content: VocabularyCard) -> Iterator[str]:
    token = content.token
    yield f"### {_shown(token)} is token {token.id}"
    if content.typed is not None:
        typed = code(clip_end(content.typed, _TYPED_WIDTH))
        yield f"No token is {typed}; this is the most common that begins so."
    if content.spelt is not None:
        yield f"{token.id} was taken for an id; as a text it is token {content.spelt.id}."
    data = token.data[:_MOST_BYTES].hex(" ").upper() + (" …" if len(token.data) > _MOST_BYTES else "")
    yield f"One of {content.size:,} tokens · {plural(len(token.data), 'byte')} {code(data)}"
    if content.ends_text:
        yield _END
    elif not token.is_whole:
        yield _PART
    if content.twin is not None:
        how = "Without the" if token.data.startswith(b" ") else "With a"
        yield f"{how} space before it, it is another token: {_shown(content.twin)}, {content.twin.id}."


def _similar(content: VocabularyCard) -> str:
    lines = [f"{'':{_BAR_WIDTH}} cosine     id  token"]
    for other in content.similar:
        drawn = bar(other.cosine, width=_BAR_WIDTH)
        lines.append(f"{drawn} {_cosine(other.cosine):>6}  {_line(other.token)}")
    why = [small(_ALIKE)]
    if content.similar[-1].cosine >= _UNSEEN_FROM:
        why.append(small(_UNSEEN))
    return "\n".join(("**Most alike for the model**", fenced("\n".join(lines)), *why))


def _neighbours(content: VocabularyCard) -> str:
    lines = "\n".join(
        f"{'→' if token.id == content.token.id else ' '} {_line(token)}" for token in content.neighbours
    )
    return "\n".join(("**Neighbours by id**", fenced(lines), small(_NEIGHBOURS)))


def _longer(content: VocabularyCard) -> str:
    stem = code(clip_end(content.stem, _TYPED_WIDTH))
    begin = "other that begins" if content.count == 1 else "others that begin"
    shown = " · ".join(f"{_shown(token)} {token.id}" for token in content.longer)
    more = " · …" if content.count > len(content.longer) else ""
    return f"**{content.count:,} {begin} with** {stem}, with or without a space before it\n{shown}{more}"


def _others(content: VocabularyCard) -> dict[Token, str]:
    """Every other token on the card, and why it is there."""
    groups: tuple[tuple[str, Iterable[Token | None]], ...] = (
        ("with or without the space", [content.twin]),
        ("the number as a text", [content.spelt]),
        ("begins alike", content.longer),
        ("neighbour by id", content.neighbours),
    )
    others = {other.token: f"cosine {_cosine(other.cosine)}" for other in content.similar}
    for why, tokens in groups:
        for token in tokens:
            if token is not None:
                others.setdefault(token, why)
    others.pop(content.token, None)
    return others


def _menu(content: VocabularyCard, others: dict[Token, str]) -> ui.Select[ui.LayoutView]:
    return ui.Select(
        custom_id=vocabulary_id(content.closing.owner),
        placeholder="Open another token",
        options=[
            discord.SelectOption(
                label=clip_end(token.visible, 100), value=str(token.id), description=f"id {token.id} · {why}"
            )
            for token, why in list(others.items())[:_MOST_OPTIONS]
        ],
    )


def _legend(content: VocabularyCard) -> str:
    return f"{inert(clip_end(content.model, 100))} · ␣ is a space, ⏎ the end of a line, `\\xE2` a byte"


def _shown(token: Token) -> str:
    return code(clip_end(token.visible, _FORM_WIDTH))


def _line(token: Token) -> str:
    return f"{token.id:>5}  {clip_end(token.visible, _FORM_WIDTH)}"


def _cosine(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
