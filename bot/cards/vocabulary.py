"""The card of ``/vocabulary``: a token, and a picture of the ones closest to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import discord
from discord import ui

from bot.cards.layout import TOKEN_WIDTH, Row, arranged, button, picture, token_name
from bot.cards.pictures.bars import Bar, alt_text
from bot.cards.signs import Sign, meaning, signs_in
from bot.cards.vocabulary_content import VocabularyCard
from bot.custom_ids import numbers_id, vocabulary_id
from bot.text.escaping import clip_end, code, inert
from bot.text.pieces import Token

PICTURE = "vocabulary.png"

_FORM_WIDTH = 24
_TYPED_WIDTH = 40
_MOST_OPTIONS = 25
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
_NONE = "This id stands for no text: the model has numbers for it, but its tokenizer has no token."
_COMMON_SIGNS = (Sign.SPACE, Sign.NEWLINE, Sign.TAB, Sign.BYTE)
_SPECIAL = "This token isn't text: it was added to the vocabulary whole, as a sign for the model."
_PART = "This token is only part of a character: a rare character takes several tokens."
_END = "This token isn't text: the model uses it to end a text."


def vocabulary(content: VocabularyCard) -> ui.LayoutView:
    """Build the card; if there are :func:`vocabulary_bars`, it shows them as an attachment named PICTURE."""
    others, bars = _others(content), vocabulary_bars(content)
    return arranged(
        "\n".join(_head(content)),
        *([Row(_menu(content, others))] if others else []),
        Row(button("Numbers", numbers_id("vocabulary", content.token.id)), content.audience.button),
        picture=picture(PICTURE, f"The closest tokens by cosine: {alt_text(bars)}") if bars else None,
        result=_result(content),
        facts=facts(content),
        colour=content.audience.colour,
    )


def vocabulary_bars(content: VocabularyCard) -> tuple[Bar, ...]:
    """Make the picture's rows: the closest tokens with their cosines."""
    return tuple(
        Bar(clip_end(one.token.visible, TOKEN_WIDTH), max(0.0, one.cosine), cosine(one.cosine))
        for one in content.similar
    )


def title(content: VocabularyCard) -> str:
    token = content.token
    return f"{name_of(token)} is token {token.id}" if token.data else f"Id {token.id} has no token"


def _head(content: VocabularyCard) -> Iterator[str]:
    token = content.token
    yield f"### {title(content)}"
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
        yield f"{where} it's {name_of(content.twin)}, token {content.twin.id}: pick it from the menu."


def _result(content: VocabularyCard) -> list[str]:
    lines = [_CLOSEST] if content.similar else []
    if content.longer:
        tokens = content.longer[:_LONGER_SHOWN]
        more = " …" if content.count > len(tokens) else ""
        lines.append(f"{same_start(content)}: {' '.join(map(name_of, tokens))}{more}")
    return lines


def same_start(content: VocabularyCard) -> str:
    stem = code(clip_end(content.stem, _TYPED_WIDTH))
    start = "more token starts" if content.count == 1 else "more tokens start"
    return f"**{content.count:,} {start} with** {stem}"


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
        others.setdefault(other.token, f"cosine {cosine(other.cosine)}")
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


def facts(content: VocabularyCard) -> str:
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


def name_of(token: Token) -> str:
    return token_name(token.visible, _FORM_WIDTH)


def _is_spaced(token: Token) -> bool:
    return token.data.startswith(b" ")


def cosine(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
