"""/tour: how a language model writes, in seven short cards."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from discord import app_commands, ui
from discord.ext import commands

from bot import cards
from bot.cards import Closing
from bot.cards.tour.card import SEED, TEXT
from bot.custom_ids import template
from bot.errors import BlankText
from bot.features.complete import new_seed
from bot.features.tour import EXAMPLE, begun, seed_of, text_of
from bot.flows.tour import begin, go_to
from bot.interactions.buttons import RunItem
from bot.interactions.card_messages import is_theirs
from bot.interactions.modals import Submission, in_time, open_modal, receive
from bot.interactions.reply import Interaction, Reply, is_private
from bot.model.protocol import MAX_SEED
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class Tour(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="How a language model writes: a lesson in seven short cards")
    @app_commands.describe(
        prompt=f"The text of the examples ({EXAMPLE!r} if left out)",
        seed="The same seed always draws the same tokens (random if left out)",
        private="Only you see the cards",
    )
    async def tour(
        self,
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 2000] = EXAMPLE,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        private: bool = False,
    ) -> None:
        if not prompt.strip():
            raise BlankText("prompt")
        job = begun(
            self.services.encode(prompt),
            seed=new_seed() if seed is None else seed,
            owner=interaction.user.id,
            private=private,
            context=self.services.generations.model.context,
        )
        await begin(self.services, job, 1, Reply(interaction, private=private))

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        await receive(interaction, template("tour", "own"), partial(self._begin_own, interaction))

    async def _begin_own(self, interaction: Interaction, submitted: Submission) -> None:
        """Show the station with what somebody typed.

        In place for whoever has the tour; their press meanwhile must not cost them
        their text, so then it gets a message of its own, as other people's does.
        """
        run_id = submitted.match["run_id"]
        station = int(submitted.match["numbers"].lstrip(":"))
        text = text_of(submitted.typed[TEXT])
        claimed = self.services.runs.claimed(run_id) if is_theirs(interaction) else nullcontext(False)
        with claimed as in_place:
            reply = Reply(interaction, private=True, replace=in_place)
            await reply.acknowledge()
            run = await self.services.runs.completion(run_id)
            job = begun(
                self.services.encode(text),
                seed=seed_of(submitted.typed.get(SEED, ""), otherwise=run.params.seed),
                owner=interaction.user.id,
                private=is_private(interaction) or not in_place,
                context=self.services.generations.model.context,
                parent=run,
                # The form may have come with it.
                made_from_it=self.services.encodings.decode(run.prompt_ids, run.fingerprint.encoding) in text,
            )
            await begin(self.services, job, station, reply)


class TourButton(RunItem[ui.Button[Any]], template=template("tour", "show", "try")):
    """Goes to a station, or asks for a text of one's own."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        owner = interaction.user.id
        if self.action == "try":
            await self._ask_for_text(interaction, services)
        elif is_theirs(interaction):
            closing = Closing(owner, is_private(interaction))
            await self.in_place(interaction, partial(self._go, services, closing))
        else:
            closing = Closing(owner, private=True)
            await self.beside(interaction, partial(self._go, services, closing), private=True)

    async def _ask_for_text(self, interaction: Interaction, services: Services) -> None:
        (station,) = self.numbers
        run = await in_time(services.runs.completion(self.run_id))
        text = services.encodings.decode(run.prompt_ids, run.fingerprint.encoding)
        await open_modal(interaction, cards.own_text(run.run_id, station, text=text, seed=run.params.seed))

    async def _go(self, services: Services, closing: Closing, reply: Reply) -> None:
        (station,) = self.numbers
        run = await services.runs.completion(self.run_id)
        await go_to(services, run, station, closing, reply)


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(TourButton)
    await bot.add_cog(Tour(bot.services))
