"""/surprise and the message command Surprise: what the model did not expect in a text."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot import cards
from bot.cards import Closing, SurpriseCard
from bot.cards.pictures.tiles import LARGE, SMALL, drawn
from bot.cards.surprise import LISTING, PICTURE
from bot.errors import TextTooLong, TextTooShort
from bot.features.complete import new_run_id
from bot.features.surprise import reading, scoring
from bot.flows.asking import asked
from bot.flows.message_text import text_in
from bot.interactions.reply import Interaction, Reply
from bot.model.protocol import ModelInfo, Step
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Surprise(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name="Surprise", callback=self.surprise_of)

    @app_commands.command(description="See which words of a text the model did not expect")
    @app_commands.describe(text="The text that the model is to read", private="Only you see the answer")
    async def surprise(
        self, interaction: Interaction, text: app_commands.Range[str, 1, 6000], private: bool = False
    ) -> None:
        await self._read(interaction, text, private=private)

    async def surprise_of(self, interaction: Interaction, message: discord.Message) -> None:
        await Reply(interaction, private=True).acknowledge()
        text = await text_in(message, interaction, self.services)
        await self._read(interaction, text, private=True)

    async def _read(self, interaction: Interaction, text: str, *, private: bool) -> None:
        services = self.services
        model = services.generations.model
        ids = services.encode(text)
        if len(ids) < 2:
            raise TextTooShort
        if len(ids) > model.context:
            raise TextTooLong(tokens=len(ids), context=model.context)
        owner = interaction.user.id
        reply = Reply(interaction, private=private)
        # What the model has read is drawn in any case, so whether there is room is asked before.
        services.executor.check(reply.asker)
        async with asked(services.generations, scoring(new_run_id(), ids), asker=reply.asker) as answer:
            await reply.wait()
            steps = (await answer()).steps
        closing = Closing(owner, private)
        async with services.executor.place(reply.asker, promised=True) as place:
            content, picture = await services.executor.run(
                place, judged, services, model, ids, steps, closing
            )
        files = [
            discord.File(io.BytesIO(picture), PICTURE),
            discord.File(io.BytesIO(content.listing.encode()), LISTING),
        ]
        # It is a text that was let in, token by token, and what the model expected without blocked words.
        await reply.finish(cards.surprise(content), files=files, harmless=True)


def judged(
    services: Services, model: ModelInfo, ids: tuple[int, ...], steps: tuple[Step, ...], closing: Closing
) -> tuple[SurpriseCard, bytes]:
    """The card of a text that ``model`` has read, and its picture; some 300 ms for a long one."""
    blocked = services.rules.blocked
    token = partial(services.encodings.token, encoding=model.encoding)
    found = reading(ids, steps, token, hidden=lambda token: blocked.in_text(token.visible))
    name = cards.model_name(model)
    card = cards.describe_surprise(found, model=name, vocabulary=model.vocabulary, closing=closing)
    return card, drawn(cards.surprise_tiles(found), (LARGE, SMALL))


async def setup(bot: TokenwiseBot) -> None:
    cog = Surprise(bot.services)
    bot.tree.add_command(cog.menu)
    await bot.add_cog(cog)
