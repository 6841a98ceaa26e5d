"""The bot's connections to Discord: one for each of its shards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord
import yarl
from discord.ext import commands

from bot.gateway.identify import IdentifyTurns
from bot.gateway.shards import Shards, ShardState


class ShardedBot(commands.AutoShardedBot):
    """Has ``shards``, or else as many as :meth:`plan` is told. Its :meth:`connect` raises GatewayNotFound
    if the first connection fails. ``turns`` say when each shard may identify.

    ``options`` are discord.py's.
    """

    def __init__(
        self, *, shards: Shards | None = None, turns: IdentifyTurns | None = None, **options: Any
    ) -> None:
        self._turns = turns or IdentifyTurns()
        self._heard: set[int] = set()
        self.is_planned = False
        if shards is not None:
            options |= {"shard_ids": shards.ids, "shard_count": shards.count}
        super().__init__(**options)

    def plan(self, recommended: int | None, *, max_concurrency: int = 1) -> None:
        """Have as many shards as Discord has ``recommended`` (one if unknown), unless some were given.

        ``max_concurrency`` of them may identify at once.
        """
        self._turns.max_concurrency = max_concurrency
        self.is_planned = self.shard_count is not None or recommended is not None
        self.shard_count = self.shard_count or recommended or 1

    @property
    def connected(self) -> bool:
        """Whether Discord is sending events to every shard of this process."""
        return all(state.connected for state in self.shard_states().values())

    def shard_states(self) -> Mapping[int, ShardState]:
        """How each of this process's shards stands. Before it is known how many there are, it is one."""
        own = self.shard_ids or range(self.shard_count or 1)
        running = self.shards
        return {id_: self._state(id_, running.get(id_)) for id_ in own}

    def _state(self, shard_id: int, info: discord.ShardInfo | None) -> ShardState:
        if info is None:
            return ShardState()
        return ShardState(shard_id in self._heard and not info.is_closed(), info.latency)

    async def on_shard_connect(self, shard_id: int) -> None:
        self._heard.add(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self._heard.add(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        self._heard.discard(shard_id)

    async def launch_shard(self, gateway: yarl.URL, shard_id: int, *, initial: bool = False) -> None:
        if not initial and not self.shards:
            # discord.py tries for ever, also where there is nothing to reach.
            raise discord.GatewayNotFound
        # Before it connects: Discord closes a connection that does not identify for long.
        await self._turns.wait(shard_id)
        try:
            await super().launch_shard(gateway, shard_id, initial=initial)
        finally:
            await self._turns.give_back(shard_id)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Also called after a session has been invalidated."""
        if shard_id is not None:
            await self._turns.wait(shard_id)
            self._turns.use(shard_id)

    async def close(self) -> None:
        await self._turns.close()
        await super().close()
