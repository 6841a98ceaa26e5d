"""/vocabulary: find a token, and see which ones are alike."""

from __future__ import annotations

import heapq
from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot import cards
from bot.cards import Closing, Similar, VocabularyCard
from bot.custom_ids import VOCABULARY_TEMPLATE
from bot.errors import NoSuchToken
from bot.interactions.buttons import PersistentItem
from bot.interactions.reply import Interaction, Reply, is_private
from bot.model.protocol import GPT2_ENCODING, Alike, ModelInfo
from bot.services import Services
from bot.text.escaping import clip_end, visible
from bot.text.tokenization import Encodings
from bot.text.vocabulary import Found, Vocabulary

if TYPE_CHECKING:
    from bot.client import TokenwiseBot

SIMILAR = 10
EACH_SIDE = 3
LONGER = 8
SUGGESTIONS = 25  # the most that Discord takes
LONGEST_NAME = 80


class VocabularyCommand(commands.Cog, name="Vocabulary"):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Find a token by its text or id, and see which are alike")
    @app_commands.describe(
        query="A token, its beginning, or an id; type ␣ for a space before it",
        private="Only you see the answer",
    )
    async def vocabulary(
        self, interaction: Interaction, query: app_commands.Range[str, 1, 200], private: bool = False
    ) -> None:
        vocabulary = self.services.encodings.vocabulary(self.services.generations.model.encoding)
        found = vocabulary.find(query)
        if found is None:
            raise NoSuchToken(query, vocabulary=len(vocabulary))
        closing = Closing(interaction.user.id, private)
        await show(self.services, found, closing, Reply(interaction, private=private), typed=query)

    @vocabulary.autocomplete("query")
    async def complete_query(self, _interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        vocabulary = self.services.encodings.vocabulary(self.services.encodings.usual)
        is_blocked = self.services.rules.blocked.in_text
        found = vocabulary.suggest(current, SUGGESTIONS)
        return [_choice(vocabulary, token_id) for token_id in found if not is_blocked(vocabulary[token_id])]


class TokenMenu(PersistentItem[ui.Select[Any]], template=VOCABULARY_TEMPLATE):
    """Opens another token: in place for whose card it is, for anybody else on a card of their own."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        vocabulary = services.encodings.vocabulary(services.generations.model.encoding)
        token_id = int(self.item.values[0])
        found = Found(token_id, vocabulary.stem(token_id))
        owner, is_owner = interaction.user.id, interaction.user.id == int(self.match["owner"])
        closing = Closing(owner, private=is_private(interaction) or not is_owner)
        await show(services, found, closing, Reply(interaction, private=True, replace=is_owner))


async def show(
    services: Services, found: Found, closing: Closing, reply: Reply, *, typed: str | None = None
) -> None:
    """Look up what is alike, and show the card."""
    model = services.generations.model
    async with reply.restored():
        await reply.wait()
        alike = await services.generations.similar(found.token_id, SIMILAR, asker=reply.asker)
        content = described(services.encodings, found, alike, closing, model=model, typed=typed)
        await reply.finish(cards.vocabulary(content))


def _choice(vocabulary: Vocabulary, token_id: int) -> app_commands.Choice[str]:
    name = f"{clip_end(vocabulary[token_id], LONGEST_NAME)}  ·  {token_id}"
    return app_commands.Choice(name=name, value=f"#{token_id}")


def described(
    encodings: Encodings,
    found: Found,
    alike: tuple[Alike, ...],
    closing: Closing,
    *,
    model: ModelInfo,
    typed: str | None = None,
) -> VocabularyCard:
    """All that the card shows of a token."""
    vocabulary = encodings.vocabulary(model.encoding)
    token = partial(encodings.token, encoding=model.encoding)
    opened = token(found.token_id)
    twin = vocabulary.twin(found.token_id) if opened.data else None
    longer = set(vocabulary.beginning(found.stem)) - {found.token_id, twin} if opened.data else set()
    is_special = encodings.is_special(found.token_id, model.encoding)
    return VocabularyCard(
        model=cards.model_name(model),
        size=len(vocabulary),
        token=opened,
        is_special=is_special,
        ends_text=is_special and found.token_id in model.fingerprint.ends,
        in_order=model.encoding == GPT2_ENCODING,
        twin=None if twin is None else token(twin),
        stem=found.stem,
        longer=tuple(map(token, heapq.nsmallest(LONGER, longer))),
        count=len(longer),
        neighbours=tuple(map(token, vocabulary.neighbours(found.token_id, each_side=EACH_SIDE))),
        # A model may have more rows than tokens, for its tables to be of a round size.
        similar=tuple(Similar(token(one.token_id), one.cosine) for one in alike if token(one.token_id).data),
        closing=closing,
        typed=None if found.exact or typed is None else visible(typed),
        other_case=found.other_case,
        spelt=None if found.spelt is None else token(found.spelt),
    )


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(TokenMenu)
    await bot.add_cog(VocabularyCommand(bot.services))
