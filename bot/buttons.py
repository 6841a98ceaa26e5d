"""Buttons that are found by their ``custom_id``, so they outlive a restart."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Self

import discord

from bot.delivery import Interaction, Screen
from bot.reporting import is_answerable, report
from bot.services import Services


class RunButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template="-"):
    """A button that is found by its ``custom_id``, also after a restart.

    Subclasses give the ``template`` and implement ``press``; errors raised there
    reach ``report`` like those of commands, for discord.py would only log them.
    """

    def __init__(self, item: discord.ui.Button[Any], action: str, run_id: str, token_id: int | None) -> None:
        super().__init__(item)
        self.action = action
        self.run_id = run_id
        self.token_id = token_id

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        groups = match.groupdict()
        token_id = groups.get("token_id")
        button: discord.ui.Button[Any] = discord.ui.Button(custom_id=match.string)
        return cls(button, groups["action"], groups["run_id"], int(token_id) if token_id else None)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        return is_answerable(interaction)

    async def callback(self, interaction: Interaction) -> None:
        try:
            await self.press(interaction)
        except Exception as error:
            await report(interaction, error)

    async def in_place(self, interaction: Interaction, show: Callable[[Screen], Awaitable[None]]) -> None:
        """Let ``show`` change the card; pressed again meanwhile, the button does nothing."""
        services: Services = interaction.client.services
        with services.runs.claimed(self.run_id) as first:
            if first:
                await show(Screen(interaction, replace=True))
            else:
                await interaction.response.defer()

    async def press(self, interaction: Interaction) -> None:
        raise NotImplementedError
