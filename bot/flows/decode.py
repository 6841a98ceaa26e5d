"""/decode: turn token ids back into text, and show it like /tokens."""

from __future__ import annotations

from functools import partial

from bot import cards
from bot.cards import Audience, TokensCard
from bot.errors import NoTokenIds
from bot.flows.tokens import show_tokens
from bot.interactions.reply import Reply
from bot.services import Services
from bot.text.pieces import is_whole
from bot.text.tokenization import Encodings


async def decode_ids(services: Services, ids: str, reply: Reply, *, encoding: str | None) -> None:
    """Show the text of pasted ``ids``; NoTokenIds, InvalidTokenId or WordBlocked."""
    known = services.encodings
    resolved = known.resolve_or_usual(encoding)
    token_ids = known.parse_ids(ids, resolved)
    if not token_ids:
        raise NoTokenIds
    services.rules.check(known.decode(token_ids, resolved))
    await show_tokens(services, partial(_decoded, known, token_ids, resolved), reply)


def _decoded(encodings: Encodings, ids: tuple[int, ...], encoding: str, audience: Audience) -> TokensCard:
    """Describe token ids and their text."""
    tokenized = encodings.pieces(ids, encoding)
    text = encodings.decode(ids, encoding)
    counts = encodings.counts(text, encoding) if is_whole(text) else {}
    return cards.describe_tokens(tokenized, counts, len(text), audience=audience, decoded=text)
