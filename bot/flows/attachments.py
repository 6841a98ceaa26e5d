"""Files for a card: pictures drawn off the event loop, and texts."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import ParamSpec

import discord

from bot.interactions.reply import Reply
from bot.services import Services

Given = ParamSpec("Given")


async def drawn(
    services: Services,
    reply: Reply,
    name: str,
    draw: Callable[Given, bytes],
    *args: Given.args,
    **options: Given.kwargs,
) -> discord.File:
    """Draw a picture in a fair turn; what it shows has been computed, so it is never refused for load."""
    async with services.executor.place(reply.asker, promised=True) as place:
        png = await services.executor.run(place, draw, *args, **options)
    return attached(name, png)


def text_file(name: str, text: str) -> discord.File:
    return attached(name, text.encode())


def attached(name: str, content: bytes) -> discord.File:
    return discord.File(io.BytesIO(content), name)
