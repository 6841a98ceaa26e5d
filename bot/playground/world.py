"""A simulated Discord server with people and the bot in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import simcord
from simcord import ChannelHandle, GuildHandle, MemberActor

from bot.client import TokenwiseBot
from bot.services import Services

NAME = "Tokenwise"
GUILD = "Tokenwise playground"
CHANNEL = "look-inside"
MEMBERS = ("Ada", "Grace", "Alan")


@dataclass(frozen=True)
class World:
    """The parts of a simulation. The first of ``members`` acts by default."""

    env: simcord.Env
    bot: TokenwiseBot
    guild: GuildHandle
    channel: ChannelHandle
    members: tuple[MemberActor, ...]

    @property
    def names(self) -> Mapping[int, str]:
        """What the members are called, by their ids."""
        return {member.id: name for member, name in zip(self.members, MEMBERS, strict=True)}


@asynccontextmanager
async def simulated(services: Services, *, settle_timeout: float) -> AsyncIterator[World]:
    """The bot, connected to a simulated Discord.

    An action takes at most ``settle_timeout`` seconds of real time. The bot reports its own
    errors; SimCord would take every refusal for a failure.
    """
    bot = TokenwiseBot(services)
    env = simcord.Env(bot, check_errors=False, settle_timeout=settle_timeout, shard_count=1)
    await env.start()
    try:
        # SimCord records errors by an attribute over the tree's own method.
        vars(bot.tree).pop("on_error", None)
        yield await _furnished(env, bot)
    finally:
        await env.shutdown()


async def _furnished(env: simcord.Env, bot: TokenwiseBot) -> World:
    if bot.user is not None:
        await bot.user.edit(username=NAME)
    guild = env.create_guild(GUILD)
    channel = guild.create_text_channel(CHANNEL)
    members = tuple(guild.add_member(env.create_user(name.lower(), global_name=name)) for name in MEMBERS)
    return World(env, bot, guild, channel, members)
