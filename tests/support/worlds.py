"""Simulated Discords for tests and benchmarks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bot.playground.real_time import SimulatedGenerations, outside
from bot.playground.world import World, simulated
from bot.services import Services


async def forget(world: World) -> None:
    """Delete all stored runs, so that the bot uses the model again."""
    for member in world.members:
        await outside(asyncio.ensure_future, world.bot.services.runs.forget(member.id))


@asynccontextmanager
async def live(services: Services) -> AsyncIterator[World]:
    """A world in which an action returns before the model has finished."""

    async def wait(awaitable: Awaitable[Any]) -> Any:
        return await world.env.external_wait(awaitable, reason="the model")

    generations = SimulatedGenerations(services.generations, wait=wait)
    async with simulated(replace(services, generations=generations), settle_timeout=60.0) as world:
        yield world
