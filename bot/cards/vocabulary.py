"""The card of ``/vocabulary``: a token, and a picture of the ones closest to it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import discord
from discord import ui

from bot.cards.layout import (
    TOKEN_WIDTH,
    Audience,
    Row,
    arranged,
    button,
    model_name,
    picture,
    private_note,
    token_name,
)
from bot.cards.pictures.bars import Bar, alt_text
from bot.cards.signs import Sign, meaning, signs_in
from bot.custom_ids import numbers_id, vocabulary_id
from bot.model.model_info import GPT2_ENCODING, ModelInfo
from bot.model.protocol import Alike
from bot.quoting import plural
from bot.text.escaping import clip_end, code, column, fenced, inert, isolated, visible
from bot.text.pieces import Token
from bot.text.tokenization import Encodings
from bot.text.vocabulary import Found

PICTURE = "vocabulary.png"

_FORM_WIDTH = 24
_TYPED_WIDTH = 40
# In the tables of *Numbers*; on a phone a line has room for 32 characters.
_SIMILAR_WIDTH = 14
_NEIGHBOUR_WIDTH = 21
_BYTES = 256
_MOST_BYTES = 24
_MOST_OPTIONS = 25
_EACH_SIDE = 3
_LONGER = 8
_LONGER_SHOWN = 4

# The cosine of the last token shown: from here on it reads 1.000, and from here on most are as close.
_SAME_FROM, _CLOSE_FROM = 0.9995, 0.95
_NEVER_LEARNT = (
    "**The model never learnt this token**: to it, this is the same as every token below (cosine 1.000)."
)
_HARDLY_LEARNT = "**The model hardly learnt this token**: nearly every other one is this close to it."
_CLOSEST = (
    "**Closest tokens**: its nearest neighbours in the model's map of tokens (1 is the same, 0 unrelated)."
)
_COSINE = (
    "**Closest tokens** by the cosine of their learned numbers (embeddings): 1 is the same direction, "
    "0 unrelated."
)
_CREATED = (
    "Ids 0 to {last:,} follow the order tokens were created in: bytes first, then frequent pairs joined."
)
_BYTES_FIRST = (
    "The first 256 of the {size:,} ids are single bytes, which can spell any text. Longer tokens follow."
)
_ADDED_LAST = "Ids 0 to {last:,} follow the order tokens were created in; this one was added last."
_MADE = "Ids 0 to {last:,} follow the order in which the vocabulary was made."
_NONE = "This id stands for no text: the model has numbers for it, but its tokenizer has no token."
_COMMON_SIGNS = (Sign.SPACE, Sign.NEWLINE, Sign.TAB, Sign.BYTE)
_SPECIAL = "This token isn't text: it was added to the vocabulary whole, as a sign for the model."
_PART = "This token is only part of a character: a rare character takes several tokens."
_END = "This token isn't text: the model uses it to end a text."


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
    """Build the card; if there are :func:`vocabulary_bars`, it shows them as an attachment named PICTURE."""
    others, bars = _others(content), vocabulary_bars(content)
    return arranged(
        "\n".join(_head(content)),
        *([Row(_menu(content, others))] if others else []),
        Row(button("Numbers", numbers_id("vocabulary", content.token.id)), content.audience.button),
        picture=picture(PICTURE, f"The closest tokens by cosine: {alt_text(bars)}") if bars else None,
        result=_result(content),
        facts=_facts(content),
        colour=content.audience.colour,
    )


def vocabulary_bars(content: VocabularyCard) -> tuple[Bar, ...]:
    """Make the picture's rows: the closest tokens with their cosines."""
    return tuple(
        Bar(clip_end(one.token.visible, TOKEN_WIDTH), max(0.0, one.cosine), _cosine(one.cosine))
        for one in content.similar
    )


def vocabulary_numbers(content: VocabularyCard) -> ui.LayoutView:
    """Show the token's bytes and all tokens around it with their ids, to the person who pressed *Numbers*."""
    token = content.token
    data = token.data[:_MOST_BYTES].hex(" ").upper() + (" …" if len(token.data) > _MOST_BYTES else "")
    blocks = [f"### {_title(content)}"]
    if data:
        blocks.append(f"One of {content.size:,} tokens · {plural(len(token.data), 'byte')} {code(data)}")
    if content.similar:
        blocks += [_COSINE, fenced("\n".join(_similar(content)))]
    order = _order(content).format(size=content.size, last=content.size - 1)
    blocks += [f"**Neighbours by id.** {order}", fenced("\n".join(_neighbours(content)))]
    if content.longer:
        shown = " · ".join(f"{_shown(token)} {token.id}" for token in content.longer)
        more = " · …" if content.count > len(content.longer) else ""
        blocks.append(f"{_longer(content)}, with or without a space: {shown}{more}")
    return private_note(*blocks, facts=_facts(content))


def _title(content: VocabularyCard) -> str:
    token = content.token
    return f"{_shown(token)} is token {token.id}" if token.data else f"Id {token.id} has no token"


def _head(content: VocabularyCard) -> Iterator[str]:
    token = content.token
    yield f"### {_title(content)}"
    if content.similar and (least := content.similar[-1].cosine) >= _CLOSE_FROM:
        yield _NEVER_LEARNT if least >= _SAME_FROM else _HARDLY_LEARNT
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
    elif content.ends_text:
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
        where = "Within a sentence" if _is_spaced(content.twin) else "At the start of a text"
        yield f"{where} it's {_shown(content.twin)}, token {content.twin.id}: pick it from the menu."


def _result(content: VocabularyCard) -> list[str]:
    lines = [_CLOSEST] if content.similar else []
    if content.longer:
        tokens = content.longer[:_LONGER_SHOWN]
        more = " …" if content.count > len(tokens) else ""
        lines.append(f"{_longer(content)}: {' '.join(map(_shown, tokens))}{more}")
    return lines


def _order(content: VocabularyCard) -> str:
    """Explain the order of the ids around this one."""
    if not content.in_order:
        return _MADE
    if content.ends_text:
        return _ADDED_LAST
    return _BYTES_FIRST if content.token.id < _BYTES else _CREATED


def _longer(content: VocabularyCard) -> str:
    stem = code(clip_end(content.stem, _TYPED_WIDTH))
    start = "more token starts" if content.count == 1 else "more tokens start"
    return f"**{content.count:,} {start} with** {stem}"


def _similar(content: VocabularyCard) -> Iterator[str]:
    yield f"{'token':{_SIMILAR_WIDTH}}  cosine     id"
    for other in content.similar:
        form = column(other.token.visible, _SIMILAR_WIDTH)
        yield f"{form}  {_cosine(other.cosine):>6}  {other.token.id:>5}"


def _neighbours(content: VocabularyCard) -> Iterator[str]:
    for token in content.neighbours:
        form = isolated(clip_end(token.visible, _NEIGHBOUR_WIDTH))
        yield f"{'→' if token.id == content.token.id else ' '} {token.id:>5}  {form}"


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


def _facts(content: VocabularyCard) -> str:
    """Name the model, and the signs in the names of the tokens on the card."""
    tokens = [content.token, content.twin, *content.longer[:_LONGER_SHOWN]]
    names = [token.visible for token in (*tokens, *(one.token for one in content.similar)) if token]
    found = signs_in(names)
    signs = [
        f"{written if len(written) == 1 else code(written)} is {meaning(sign, written)}"
        for sign, written in found.items()
        if sign in _COMMON_SIGNS
    ]
    return " · ".join([inert(clip_end(content.model, 100)), *signs])


def _shown(token: Token) -> str:
    return token_name(token.visible, _FORM_WIDTH)


def _is_spaced(token: Token) -> bool:
    return token.data.startswith(b" ")


def _cosine(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
