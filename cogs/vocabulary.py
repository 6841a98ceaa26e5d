"""/vocabulary: find a token, and see the ones closest to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot.custom_ids import VOCABULARY_TEMPLATE
from bot.flows.vocabulary import open_token, search, suggestions
from bot.interactions.buttons import PersistentItem
from bot.interactions.reply import Interaction, Reply
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class VocabularyCommand(commands.Cog, name="Vocabulary"):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="Look up a token, and see which ones the model finds similar")
    @app_commands.describe(
        query="A token, how it begins, or its id; type ␣ for a leading space",
        private="Only you see the reply",
    )
    async def vocabulary(
        self, interaction: Interaction, query: app_commands.Range[str, 1, 200], private: bool = False
    ) -> None:
        await search(self.services, query, Reply(interaction, private=private))

    @vocabulary.autocomplete("query")
    async def complete_query(self, _interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [
            app_commands.Choice(name=name, value=value) for name, value in suggestions(self.services, current)
        ]


class TokenMenu(PersistentItem[ui.Select[Any]], template=VOCABULARY_TEMPLATE):
    """Opens another token: in place for the card's owner, for others on a card of their own."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        is_owner = interaction.user.id == int(self.match["owner"])
        await open_token(services, int(self.item.values[0]), interaction, in_place=is_owner)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(TokenMenu)
    await bot.add_cog(VocabularyCommand(bot.services))
