"""What the card of ``/vocabulary`` shows: a token, and those around it in text and in meaning."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import partial

from bot.cards.layout import Audience, model_name
from bot.model.model_info import GPT2_ENCODING, ModelInfo
from bot.model.protocol import Alike
from bot.text.escaping import visible
from bot.text.pieces import Token
from bot.text.tokenization import Encodings
from bot.text.vocabulary import Found

_EACH_SIDE = 3
_LONGER = 8


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
