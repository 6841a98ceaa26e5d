"""The card of ``/vocabulary``: a token, what is alike for the model, its neighbours by id."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import discord
from discord import ui

from bot.cards.layout import (
    DONE_COLOUR,
    Audience,
    Row,
    Text,
    card,
    model_name,
    rule,
    small,
    token_name,
)
from bot.cards.signs import Sign, meaning, signs_in
from bot.custom_ids import vocabulary_id
from bot.model.model_info import GPT2_ENCODING, ModelInfo
from bot.model.protocol import Alike
from bot.quoting import plural
from bot.text.escaping import clip_end, code, column, fenced, inert, isolated, visible
from bot.text.pieces import Token
from bot.text.tokenization import Encodings
from bot.text.vocabulary import Found

_FORM_WIDTH = 24
_TYPED_WIDTH = 40
# In the tables, whose lines have room for 32 characters on a phone.
_SIMILAR_WIDTH = 14
_NEIGHBOUR_WIDTH = 21
_BYTES = 256
_MOST_BYTES = 24
_MOST_OPTIONS = 25
_EACH_SIDE = 3
_LONGER = 8

_ALIKE = (
    "For the model a token is a list of numbers, its embedding, which training has found. These point most "
    "nearly the same way. The cosine of the angle between the two is 1 where they have the same "
    "direction, and 0 where they have nothing in common."
)
_UNSEEN = (
    "Nearly every token is this close: the model has probably hardly ever seen this one, so its numbers are "
    "still near those it began with."
)
_UNSEEN_FROM = 0.95  # the cosine of the last of those shown
_NEIGHBOURS = (
    "Ids count in which order the pieces were put together when the vocabulary was made, the frequent ones "
    "first. They say nothing of the meaning."
)
_BYTES_FIRST = (
    "The first 256 ids are the single bytes, of which every text can be written; those that are a sign of "
    "their own come first. The pieces put together from them follow. Ids say nothing of the meaning."
)
_ADDED_LAST = (
    "The other ids count in which order the pieces were put together when the vocabulary was made. This one "
    "was not put together, but added behind the last of them. Ids say nothing of the meaning."
)
_MADE = "Ids follow the order in which the vocabulary was made. They say nothing of the meaning."
_NONE = "The model has a row of numbers for this id, but its tokenizer has no token: it stands for no text."
_SPECIAL = "It is no piece of a text: it was added to the vocabulary whole, as a sign for the model."
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
    no token is exactly that; nor does any begin so, if this one does in ``other_case``.
    ``spelt`` is the token that a number is as a text, where it was taken for an id.
    A token that ``is_special`` is no piece of a text; one of them ``ends_text``. Ids are
    ``in_order`` if they count as GPT-2's do.
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
    audience: Audience
    typed: str | None = None
    other_case: bool = False
    spelt: Token | None = None
    is_special: bool = False
    in_order: bool = True


def describe_token(
    encodings: Encodings,
    found: Found,
    alike: tuple[Alike, ...],
    audience: Audience,
    *,
    model: ModelInfo,
    typed: str | None = None,
) -> VocabularyCard:
    """The card of a token, found by ``typed`` unless it was opened from a menu."""
    vocabulary = encodings.vocabulary(model.encoding)
    token = partial(encodings.token, encoding=model.encoding)
    opened = token(found.token_id)
    twin = vocabulary.twin(found.token_id) if opened.data else None
    longer = set(vocabulary.beginning(found.stem)) - {found.token_id, twin} if opened.data else set()
    is_special = encodings.is_special(found.token_id, model.encoding)
    return VocabularyCard(
        model=model_name(model),
        size=len(vocabulary),
        token=opened,
        is_special=is_special,
        ends_text=is_special and found.token_id in model.fingerprint.ends,
        in_order=model.encoding == GPT2_ENCODING,
        twin=None if twin is None else token(twin),
        stem=found.stem,
        longer=tuple(map(token, heapq.nsmallest(_LONGER, longer))),
        count=len(longer),
        neighbours=tuple(map(token, vocabulary.neighbours(found.token_id, each_side=_EACH_SIDE))),
        # A model may have more rows than tokens: its tables are padded to a round size.
        similar=tuple(Similar(token(one.token_id), one.cosine) for one in alike if token(one.token_id).data),
        audience=audience,
        typed=None if found.exact or typed is None else visible(typed),
        other_case=found.other_case,
        spelt=None if found.spelt is None else token(found.spelt),
    )


def vocabulary(content: VocabularyCard) -> ui.LayoutView:
    blocks: list[ui.Item[ui.LayoutView]] = [Text("\n".join(_head(content)))]
    if content.similar:
        blocks += [rule(), Text(_similar(content))]
    blocks += [rule(), Text(_neighbours(content))]
    if content.longer:
        blocks += [rule(), Text(_longer(content))]
    if others := _others(content):
        blocks.append(Row(_menu(content, others)))
    return card(*blocks, Text(small(_legend(content))), Row(content.audience.button), colour=DONE_COLOUR)


def _head(content: VocabularyCard) -> Iterator[str]:
    token = content.token
    yield f"### {_shown(token)} is token {token.id}" if token.data else f"### Id {token.id} has no token"
    if content.typed is not None:
        typed = code(clip_end(content.typed, _TYPED_WIDTH))
        yield (
            f"No token begins with {typed} as you typed it; with another case there is this one."
            if content.other_case
            else f"No token is {typed}; this is the most common that begins so."
        )
    if content.spelt is not None:
        yield f"{token.id} was taken for an id; as a text it is token {content.spelt.id}."
    if not token.data:
        yield _NONE
        return
    data = token.data[:_MOST_BYTES].hex(" ").upper() + (" …" if len(token.data) > _MOST_BYTES else "")
    yield f"One of {content.size:,} tokens · {plural(len(token.data), 'byte')} {code(data)}"
    if content.ends_text:
        yield _END
    elif content.is_special:
        yield _SPECIAL
    elif not token.is_whole:
        yield _PART
    else:
        for sign in (Sign.CONTROL, Sign.UNSEEN):
            if (written := signs_in([token.visible]).get(sign)) is not None:
                yield f"{code(written)} is {meaning(sign, written)}."
    if content.twin is not None:
        twin = _shown(content.twin)
        yield (
            f"Within a sentence it is {twin}: open that one from the menu."
            if _is_spaced(content.twin)
            else f"Without the space before it, it is another token: {twin}, {content.twin.id}."
        )


def _similar(content: VocabularyCard) -> str:
    lines = [f"{'token':{_SIMILAR_WIDTH}}  cosine     id"]
    for other in content.similar:
        form = column(other.token.visible, _SIMILAR_WIDTH)
        lines.append(f"{form}  {_cosine(other.cosine):>6}  {other.token.id:>5}")
    why = [small(_ALIKE)]
    if content.similar[-1].cosine >= _UNSEEN_FROM:
        why.append(small(_UNSEEN))
    return "\n".join(("**Most alike for the model**", fenced("\n".join(lines)), *why))


def _neighbours(content: VocabularyCard) -> str:
    lines = "\n".join(
        f"{'→' if token.id == content.token.id else ' '} {token.id:>5}  "
        f"{isolated(clip_end(token.visible, _NEIGHBOUR_WIDTH))}"
        for token in content.neighbours
    )
    return "\n".join(("**Neighbours by id**", fenced(lines), small(_order(content))))


def _order(content: VocabularyCard) -> str:
    """Why these are neighbours."""
    if not content.in_order:
        return _MADE
    if content.ends_text:
        return _ADDED_LAST
    return _BYTES_FIRST if content.token.id < _BYTES else _NEIGHBOURS


def _longer(content: VocabularyCard) -> str:
    stem = code(clip_end(content.stem, _TYPED_WIDTH))
    begin = "other that begins" if content.count == 1 else "others that begin"
    shown = " · ".join(f"{_shown(token)} {token.id}" for token in content.longer)
    more = " · …" if content.count > len(content.longer) else ""
    return f"**{content.count:,} {begin} with** {stem}, with or without a space before it\n{shown}{more}"


def _others(content: VocabularyCard) -> dict[Token, str]:
    """Every other token on the card, and why it is there."""
    groups: tuple[tuple[str, Iterable[Token | None]], ...] = (
        ("the number as a text", [content.spelt]),
        ("begins alike", content.longer),
        ("neighbour by id", content.neighbours),
    )
    others: dict[Token, str] = {}
    if (twin := content.twin) is not None:  # first: as likely as not it is the one that was meant
        others[twin] = "as it stands within a sentence" if _is_spaced(twin) else "at the beginning of a text"
    for other in content.similar:
        others.setdefault(other.token, f"cosine {_cosine(other.cosine)}")
    for why, tokens in groups:
        for token in tokens:
            if token is not None:
                others.setdefault(token, why)
    others.pop(content.token, None)
    return others


def _menu(content: VocabularyCard, others: dict[Token, str]) -> ui.Select[ui.LayoutView]:
    return ui.Select(
        custom_id=vocabulary_id(content.audience.owner),
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
    return token_name(token.visible, _FORM_WIDTH)


def _is_spaced(token: Token) -> bool:
    return token.data.startswith(b" ")


def _cosine(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
