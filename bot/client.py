"""The discord.py bot: loads the cogs, syncs the commands, sends every error to one handler."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot.background import Background
from bot.gateway.bot import ShardedBot
from bot.gateway.identify import IdentifyTurns
from bot.gateway.shards import Shards
from bot.interactions.checks import is_admitted
from bot.interactions.error_handler import answer_with_error, is_worth_logging
from bot.interactions.http_trace import HttpTrace
from bot.interactions.lifecycle import InteractionTracker
from bot.interactions.locks import Locks
from bot.interactions.private_cards import PrivateCards
from bot.interactions.reply import NOBODY, Interaction
from bot.interactions.sync import keep_trying, sync_if_changed
from bot.proxies import Proxy
from bot.services import Services
from bot.store.process_locks import Lock

log = logging.getLogger(__name__)

# Seconds, as long as Discord takes an answer. A request that must wait longer fails instead.
LONGEST_RATE_LIMIT = 900.0
# Seconds for Discord to accept the commands before the bot serves the ones that it has.
SYNC_PATIENCE = 5.0

COGS = (
    "cogs.complete",
    "cogs.why",
    "cogs.receipt",
    "cogs.replay",
    "cogs.code",
    "cogs.next",
    "cogs.numbers",
    "cogs.warm_up",
    "cogs.tokens",
    "cogs.decode",
    "cogs.share",
    "cogs.forget",
    "cogs.surprise",
    "cogs.compare",
    "cogs.guess",
    "cogs.tour",
    "cogs.model",
    "cogs.vocabulary",
    "cogs.help",
)


class Tree(app_commands.CommandTree["TokenwiseBot"]):
    """All commands, for servers and for people, in every kind of channel."""

    def __init__(self, client: TokenwiseBot) -> None:
        super().__init__(
            client,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
        )

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        return await is_admitted(interaction)

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        await answer_with_error(interaction, error)


class TokenwiseBot(ShardedBot):
    """The bot; its commands use ``services`` and nothing else.

    Besides interactions it receives the deletion of channels, part of the ``guilds`` intent. It learns of
    a deleted message only from its next edit: to hear of that at once, it would have to receive every message
    that anyone writes.

    ``on_acknowledged`` is called with the seconds from each interaction's creation to its acknowledgement.
    ``proxy`` is the way to Discord, if there is one. ``shards`` are those of this process; without any it has
    as many as Discord recommends.
    """

    def __init__(
        self,
        services: Services,
        *,
        on_acknowledged: Callable[[float], object] | None = None,
        proxy: Proxy | None = None,
        shards: Shards | None = None,
    ) -> None:
        # The bot uses no voice: no warnings about what that would need.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        self.tracker = InteractionTracker(on_acknowledged)
        self.http_trace = HttpTrace(self.tracker.note_acknowledged, self.tracker.note_doubt)
        across = partial(services.locks.held, Lock.IDENTIFY)
        super().__init__(
            shards=shards,
            turns=IdentifyTurns(across),
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=discord.Intents(guilds=True),
            allowed_mentions=NOBODY,
            tree_cls=Tree,
            http_trace=self.http_trace.config(),
            max_ratelimit_timeout=LONGEST_RATE_LIMIT,
            proxy=proxy.url if proxy else None,
            proxy_auth=proxy.auth if proxy else None,
        )
        self.services = services
        self.locks = Locks(services.claims)
        self.private_cards = PrivateCards()
        self._background = AsyncExitStack()
        self.began = discord.utils.utcnow()  # since then, the same rules have applied

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        self.tracker.cancel_in(channel.id)

    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        self.tracker.cancel_in(payload.thread_id)

    async def setup_hook(self) -> None:
        self.began = discord.utils.utcnow()
        logging.getLogger(app_commands.tree.__name__).addFilter(is_worth_logging)
        for cog in COGS:
            await self.load_extension(cog)
        for command in self.tree.get_commands():
            command.nsfw = self.services.rules.age_restricted
        tried = asyncio.Event()
        work = partial(keep_trying, self._sync, tried=tried)
        await self._background.enter_async_context(Background(work, name="syncing the commands"))
        try:
            async with asyncio.timeout(SYNC_PATIENCE):
                await tried.wait()
        except TimeoutError:
            log.warning("Discord has not accepted the commands yet; serving the ones it has")

    async def _sync(self) -> None:
        async with self.services.locks.held(Lock.COMMANDS):
            await sync_if_changed(self.tree)

    async def close(self) -> None:
        await self._background.aclose()
        await super().close()
