"""The optional port: ``/metrics`` for Prometheus, ``/health`` for whoever starts and stops the bot.

``/health`` tells readiness: 200 while the model is loaded and Discord connected,
503 with the reasons otherwise, so also for the minutes in which the model loads.
For liveness, whether to kill the bot and start it anew, any answer is a good one:
503 mends itself, silence means that the event loop stands still.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from bot.errors import InvalidSetting


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int


@asynccontextmanager
async def served(
    at: Address, registry: CollectorRegistry, ailments: Callable[[], Sequence[str]]
) -> AsyncIterator[None]:
    """Serve both for as long as the block lasts; InvalidSetting if that is impossible there."""

    async def health(_request: web.Request) -> web.Response:
        reasons = ailments()
        told = {"status": "unavailable", "reasons": list(reasons)} if reasons else {"status": "ok"}
        return web.json_response(told, status=503 if reasons else 200)

    application = web.Application()
    application.router.add_get("/metrics", make_aiohttp_handler(registry))
    application.router.add_get("/health", health)
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await _bind(runner, at)
        yield
    finally:
        await runner.cleanup()


async def _bind(runner: web.AppRunner, at: Address) -> None:
    try:
        await web.TCPSite(runner, at.host, at.port).start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem, allowed = f"is {at.port}, which is in use on {at.host}", "a free port, or empty"
            raise InvalidSetting("METRICS_PORT", problem=problem, allowed=allowed) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            problem, allowed = f"is {at.port}, which the bot may not serve", "a port above 1023"
            raise InvalidSetting("METRICS_PORT", problem=problem, allowed=allowed) from error
        problem, allowed = f"is {at.host!r}, where nothing can be served", "an address of this machine"
        raise InvalidSetting("METRICS_HOST", problem=problem, allowed=allowed) from error
