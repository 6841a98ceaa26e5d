"""Waiting for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable


async def until(happened: Callable[[], bool | Awaitable[bool]], *, patience: float = 60.0) -> None:
    """Return once ``happened()`` is true; TimeoutError after ``patience`` seconds."""
    async with asyncio.timeout(patience):
        while True:
            has = happened()
            if await has if isawaitable(has) else has:
                return
            await asyncio.sleep(0.001)
