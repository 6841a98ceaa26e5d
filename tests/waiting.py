"""Waiting for what happens elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(happened: Callable[[], Awaitable[bool]], *, patience: float = 20.0) -> None:
    """Return once ``happened`` says so; TimeoutError after ``patience`` seconds."""
    async with asyncio.timeout(patience):
        while True:
            if await happened():
                return
            await asyncio.sleep(0.001)
