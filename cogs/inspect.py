"""What can be done with a finished run: why this word, another one, its code, once more."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot import cards
from bot.cards import Closing, CodeCard
from bot.cards.code import PROGRAM
from bot.cards.why import TURNS
from bot.custom_ids import template
from bot.errors import NoRun
from bot.features.code import is_its_own, script
from bot.features.complete import CompletionRun
from bot.features.next import WalkRun
from bot.features.replay import Replay, Rerun, compare, rerun
from bot.flows.asking import asked
from bot.flows.complete import write
from bot.interactions.buttons import RunItem
from bot.interactions.card_messages import run_of
from bot.interactions.reply import Interaction, Reply, is_private
from bot.moderation.screening import Sieve
from bot.queue.updates import token_ids
from bot.services import Services

if TYPE_CHECKING:
    from bot.client import TokenwiseBot


class RunButton(RunItem[ui.Button[Any]], template=template("run", "code", "replay")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        await self.beside(interaction, partial(self._show, services), private=True)

    async def _show(self, services: Services, reply: Reply) -> None:
        run = await services.runs.completion(self.run_id)
        if self.action == "code":
            await show_code(services, run, reply)
        else:
            await replay(services, run, reply)


class WhyButton(RunItem[ui.Button[Any]], template=template("why", "open", "fork", *TURNS)):
    """Opens the card, turns it to another position, or forks the text there."""

    async def press(self, interaction: Interaction, services: Services) -> None:
        is_alone = is_private(interaction)
        match self.action, self.numbers:
            case "open", _:
                show = partial(show_why, services, self.run_id, None, is_alone)
                await self.beside(interaction, show, private=True)
            case "fork", (position, token_id, as_private):
                private = bool(as_private) and is_alone
                fork = partial(self._fork, services, position, token_id, private)
                await self.beside(interaction, fork, private=private)
            case turn, (position, as_private) if turn in TURNS:
                await turn_why(services, self.run_id, position, interaction, private=bool(as_private))

    async def _fork(
        self, services: Services, position: int, token_id: int, private: bool, reply: Reply
    ) -> None:
        run = await services.runs.completion(self.run_id)
        await write(
            services, run.forked(position, token_id, owner=reply.asker.person, private=private), reply
        )


class PositionMenu(RunItem[ui.Select[Any]], template=template("position", "show")):
    async def press(self, interaction: Interaction, services: Services) -> None:
        # Each page is a menu of its own to Discord, which would keep the last one's choice.
        _page, as_private = self.numbers
        position = int(self.item.values[0])
        await turn_why(services, self.run_id, position, interaction, private=bool(as_private))


class Inspect(commands.Cog):
    def __init__(self, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name="Replay", callback=self.replay_message)

    async def replay_message(self, interaction: Interaction, message: discord.Message) -> None:
        is_ours = message.author.id == interaction.client.user.id
        run_id = run_of(message) if is_ours else None  # others' buttons could name any run
        if run_id is None:
            raise NoRun
        reply = Reply(interaction, private=True)
        await reply.acknowledge()
        await replay(self.services, await self.services.runs.get(run_id), reply)


async def turn_why(
    services: Services, run_id: str, position: int, interaction: Interaction, *, private: bool
) -> None:
    """Turn the card to another position, if it is the person's alone; else open one that is."""
    reply = Reply(interaction, private=True, replace=is_private(interaction))
    await reply.acknowledge()
    await show_why(services, run_id, position, private, reply)


async def show_why(
    services: Services, run_id: str, position: int | None, private: bool, reply: Reply
) -> None:
    """The card of one position, or of the most surprising one, to the person alone.

    ``private`` says whether the text is seen by them alone, too.
    """
    run = await services.runs.completion(run_id)
    if position is None:
        position = run.most_surprising()
    closing = Closing(reply.asker.person, private=True)
    content = cards.describe_why(run, position, services.encodings, private=private, closing=closing)
    before = run.prompt_ids + run.token_ids[:position]
    offered = [(before, candidate.token_id) for candidate in run.steps[position].candidates]
    parts = Sieve.of(services, run.fingerprint.encoding).parts(run.token_ids, offered=offered)
    await reply.finish(cards.why(content), parts=parts)


async def show_code(services: Services, run: CompletionRun, reply: Reply) -> None:
    """The program, as text and as a file."""
    model = services.generations.model
    program = script(run, services.encodings.decode(run.prompt_ids, run.fingerprint.encoding), model)
    content = CodeCard(program, run.fingerprint.precision, str(run.fingerprint), is_its_own(run, model))
    file = discord.File(io.BytesIO(program.encode()), PROGRAM)
    await reply.finish(cards.code_card(content), files=[file])


async def replay(services: Services, run: CompletionRun | WalkRun, reply: Reply) -> None:
    """Let the model say the run again, and tell whether it is the same."""
    model, owner = services.generations.model, reply.asker.person
    again = rerun(run, owner=owner, context=model.context)
    async with asked(services.generations, again.request, asker=reply.asker) as answer:
        await reply.wait()
        now = (await answer()).steps
    found = compare(again.then, now, run.fingerprint, model.fingerprint)
    content = cards.describe_replay(
        again,
        found,
        services.encodings,
        today=model.fingerprint,
        made=run.asked_at,
        closing=Closing(owner, private=True),
    )
    await reply.finish(cards.replayed(content), parts=_parts(services, again, found))


def _parts(services: Services, again: Rerun, found: Replay) -> frozenset[str]:
    """The blocked words that the card shows only as tokens of longer ones."""
    if (difference := found.difference) is None:
        return frozenset()
    before = again.ids + token_ids(again.then[: difference.position])
    was = [difference.then.token_id] if difference.then else []
    return Sieve.of(services, services.generations.model.encoding).parts(
        was, offered=[(before, difference.now.token_id)] if difference.now else []
    )


async def setup(bot: TokenwiseBot) -> None:
    bot.add_dynamic_items(RunButton, WhyButton, PositionMenu)
    cog = Inspect(bot.services)
    bot.tree.add_command(cog.menu)
    await bot.add_cog(cog)
