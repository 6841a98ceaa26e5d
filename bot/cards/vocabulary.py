"""The card of ``/vocabulary``: a token, the ones closest to it, and its neighbours by id."""

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
# In the tables; on a phone a line has room for 32 characters.
_SIMILAR_WIDTH = 14
_NEIGHBOUR_WIDTH = 21
_BYTES = 256
_MOST_BYTES = 24
_MOST_OPTIONS = 25
_EACH_SIDE = 3
_LONGER = 8

_CLOSEST = (
    "To the model, a token is a list of learned numbers (its embedding). The closest ones point nearly the "
    "same way: the cosine of the angle between two tokens is 1 for the same direction, and 0 for nothing "
    "in common."
)
_UNSEEN = (
    "Nearly every token is this close: the model has probably hardly ever seen this one, so its numbers are "
    "still near those it started with."
)
_UNSEEN_FROM = 0.95  # the cosine of the last one shown
_NEIGHBOURS = (
    "Ids follow the order tokens were created in, frequent ones first. They say nothing about meaning."
)
_BYTES_FIRST = (
    "The first 256 ids are the single bytes, which can spell any text; visible characters come first. "
    "Longer tokens, built from them, follow. Ids say nothing about meaning."
)
_ADDED_LAST = (
    "The other ids follow the order tokens were created in; this one was added after the last of them. "
    "Ids say nothing about meaning."
)
_MADE = "Ids follow the order in which the vocabulary was made. They say nothing about meaning."
_NONE = "The model has a row of numbers for this id, but its tokenizer has no token: it stands for no text."
_SPECIAL = "It isn't text: it was added to the vocabulary whole, as a sign for the model."
_PART = "It is only part of a character: a rare character takes several tokens."
_END = "It isn't text: the model uses it to end a text."


@dataclass(frozen=True, slots=True)
class Similar:
    """A token, and the cosine of the angle between its embedding and the card's token's."""

    token: Token
    cosine: float


@dataclass(frozen=True, slots=True)
class VocabularyCard:
    """Everything the card shows.

    ``twin`` is the same token with or without its leading space. ``longer`` are some of the
    ``count`` tokens that start with ``stem``. ``typed`` is the query if no token is exactly
    that; with ``other_case``, none starts with it either, unless in another case. ``spelt`` is
    the token that a number is as text, if the query was read as an id. A token that
    ``is_special`` isn't text, and may be the one that ``ends_text``. ``in_order`` says that ids
    are ordered like GPT-2's.
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


def describe_vocabulary(
    encodings: Encodings,
    found: Found,
    alike: tuple[Alike, ...],
    audience: Audience,
    *,
    model: ModelInfo,
    typed: str | None = None,
) -> VocabularyCard:
    """Describe a token; ``typed`` is the query that found it, None if it was picked from the menu."""
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
        # A model may have more rows than tokens, if its tables are padded to a round size.
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
            f"No token starts with {typed}, but this one does in another case."
            if content.other_case
            else f"No token is exactly {typed}; this is the most common one that starts with it."
        )
    if content.spelt is not None:
        yield f"I read {token.id} as an id. As text, it's token {content.spelt.id}."
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
            f"Within a sentence it's usually {twin}, {content.twin.id}: pick it from the menu."
            if _is_spaced(content.twin)
            else f"Without the leading space, it's another token: {twin}, {content.twin.id}."
        )


def _similar(content: VocabularyCard) -> str:
    lines = [f"{'token':{_SIMILAR_WIDTH}}  cosine     id"]
    for other in content.similar:
        form = column(other.token.visible, _SIMILAR_WIDTH)
        lines.append(f"{form}  {_cosine(other.cosine):>6}  {other.token.id:>5}")
    why = [small(_CLOSEST)]
    if content.similar[-1].cosine >= _UNSEEN_FROM:
        why.append(small(_UNSEEN))
    return "\n".join(("**Closest tokens**", fenced("\n".join(lines)), *why))


def _neighbours(content: VocabularyCard) -> str:
    lines = "\n".join(
        f"{'→' if token.id == content.token.id else ' '} {token.id:>5}  "
        f"{isolated(clip_end(token.visible, _NEIGHBOUR_WIDTH))}"
        for token in content.neighbours
    )
    return "\n".join(("**Neighbours by id**", fenced(lines), small(_order(content))))


def _order(content: VocabularyCard) -> str:
    """Explain the order of the ids around this one."""
    if not content.in_order:
        return _MADE
    if content.ends_text:
        return _ADDED_LAST
    return _BYTES_FIRST if content.token.id < _BYTES else _NEIGHBOURS


def _longer(content: VocabularyCard) -> str:
    stem = code(clip_end(content.stem, _TYPED_WIDTH))
    start = "more token starts" if content.count == 1 else "more tokens start"
    shown = " · ".join(f"{_shown(token)} {token.id}" for token in content.longer)
    more = " · …" if content.count > len(content.longer) else ""
    return f"**{content.count:,} {start} with** {stem}, with or without a leading space\n{shown}{more}"


def _others(content: VocabularyCard) -> dict[Token, str]:
    """Map every other token on the card to the reason it is there, the most useful first."""
    groups: tuple[tuple[str, Iterable[Token | None]], ...] = (
        ("the number as text", [content.spelt]),
        ("same start", content.longer),
        ("neighbour by id", content.neighbours),
    )
    others: dict[Token, str] = {}
    if (twin := content.twin) is not None:  # first: it may well be the one that was meant
        others[twin] = "within a sentence" if _is_spaced(twin) else "at the start of a text"
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
    return f"{inert(clip_end(content.model, 100))} · ␣ is a space, ⏎ a line break, `\\xE2` a byte"


def _shown(token: Token) -> str:
    return token_name(token.visible, _FORM_WIDTH)


def _is_spaced(token: Token) -> bool:
    return token.data.startswith(b" ")


def _cosine(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
