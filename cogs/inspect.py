"""What can be done with a finished run: why this word, another one, its code, once more."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot import cards
from bot.cards import Closing, CodeCard
from bot.cards.script import PROGRAM
from bot.cards.why import TURNS
from bot.custom_ids import template
from bot.errors import NoRun
from bot.features.completions import CompletionRun
from bot.features.replay import compare, rerun
from bot.features.script import is_its_own, script
from bot.features.walks import WalkRun
from bot.flows.asking import asked
from bot.flows.writing import write
from bot.interactions.buttons import RunItem
from bot.interactions.delivery import Interaction, Screen, is_private
from bot.interactions.messages import run_of
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class RunButton(RunItem[ui.Button[Any]], template=template("run", "code", "replay")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        run = await services.runs.completion(self.run_id)
        show = show_code if self.action == "code" else replay
        await show(services, run, interaction)


class WhyButton(RunItem[ui.Button[Any]], template=template("why", "open", "fork", *TURNS)):
    """Opens the card, turns it to another position, or forks the text there."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        run = await services.runs.completion(self.run_id)
        match self.action, self.numbers:
            case "open", _:
                private = is_private(interaction)
                await show_why(services, run, run.most_surprising(), interaction, private=private)
            case "fork", (position, token_id, as_private):
                private = bool(as_private) and is_private(interaction)
                job = run.forked(position, token_id, owner=interaction.user.id, private=private)
                await write(services, job, Screen(interaction, private=private))
            case turn, (position, as_private) if turn in TURNS:
                await show_why(services, run, position, interaction, private=bool(as_private), turn=True)


class PositionMenu(RunItem[ui.Select[Any]], template=template("position", "show")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        run = await services.runs.completion(self.run_id)
        # Each page is a menu of its own to Discord, which would keep the last one's choice.
        _page, as_private = self.numbers
        position = int(self.item.values[0])
        await show_why(services, run, position, interaction, private=bool(as_private), turn=True)


class Inspect(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name="Replay", callback=self.replay_message)

    async def replay_message(self, interaction: Interaction, message: discord.Message) -> None:
        is_ours = message.author.id == interaction.client.user.id
        run_id = run_of(message) if is_ours else None  # others' buttons could name any run
        if run_id is None:
            raise NoRun
        await replay(self.services, await self.services.runs.any(run_id), interaction)


async def show_why(
    services: Services,
    run: CompletionRun,
    position: int,
    interaction: Interaction,
    *,
    private: bool,
    turn: bool = False,
) -> None:
    """The card of one position, to the person alone; ``turn`` turns it, if it is theirs alone.

    ``private`` says whether the text is seen by them alone, too.
    """
    closing = Closing(interaction.user.id, private=True)
    content = cards.describe_why(run, position, services.encodings, private=private, closing=closing)
    screen = Screen(interaction, private=True, replace=turn and is_private(interaction))
    await screen.show(cards.why(content))


async def show_code(services: Services, run: CompletionRun, interaction: Interaction) -> None:
    """The program, to the person alone, as text and as a file."""
    model = services.generations.model
    program = script(run, services.encodings.decode(run.prompt_ids), model)
    content = CodeCard(program, run.fingerprint.precision, str(run.fingerprint), is_its_own(run, model))
    file = discord.File(io.BytesIO(program.encode()), PROGRAM)
    await Screen(interaction, private=True).show(cards.code_card(content), files=[file])


async def replay(services: Services, run: CompletionRun | WalkRun, interaction: Interaction) -> None:
    """Let the model say the run again, and tell the person whether it is the same."""
    model, owner = services.generations.model, interaction.user.id
    again = rerun(run, owner=owner, context=model.context)
    screen = Screen(interaction, private=True)
    async with asked(services.generations, again.request, asker=screen.asker) as answer:
        await screen.wait()
        now = (await answer()).steps
    content = cards.describe_replay(
        again,
        compare(again.then, now, run.fingerprint, model.fingerprint),
        services.encodings,
        fingerprint=str(model.fingerprint),
        made=run.asked_at,
        closing=Closing(owner, private=True),
    )
    await screen.finish(cards.replayed(content))


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(RunButton, WhyButton, PositionMenu)
    cog = Inspect(bot.services)
    bot.tree.add_command(cog.menu)
    await bot.add_cog(cog)
