"""The optional port: ``/metrics`` for Prometheus, ``/health`` for a supervisor.

``/health`` answers readiness: 200 while the model is loaded and Discord connected, otherwise 503 with the
reasons, as in the minutes while the model loads. For liveness, whether to kill and restart the bot, take any
answer as a good one: what causes a 503 mends itself, and only silence means that the event loop hangs.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from bot.errors import InvalidSetting
from bot.gateway.shards import listed
from bot.model.client.progress import loading_text
from bot.monitoring.lag import measured_lag
from bot.monitoring.metrics import Sources, registry_of


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int


@asynccontextmanager
async def monitored(sources: Sources, at: Address | None) -> AsyncIterator[None]:
    """Serve metrics and health at this address for the duration of the block; do nothing without one.

    Raises InvalidSetting if the address cannot be used.
    """
    if at is None:
        yield
        return
    async with (
        measured_lag() as lag,
        endpoint(at, registry_of(sources, lag), partial(health_problems, sources)),
    ):
        yield


def health_problems(sources: Sources) -> list[str]:
    """Say in a few words each what keeps people from being served; nothing if they are."""
    problems = []
    if not sources.worker.serving:
        problems.append(f"the model is not ready ({loading_text(sources.worker.loading)})")
    states = sources.connection.shard_states()
    if missing := [id_ for id_, state in states.items() if not state.connected]:
        problems.append(_unconnected(missing, is_all=len(missing) == len(states)))
    return problems


def _unconnected(shards: Sequence[int], *, is_all: bool) -> str:
    if is_all:
        return "there is no connection to Discord"
    if len(shards) == 1:
        return f"shard {shards[0]} is not connected to Discord"
    return f"the shards {listed(shards)} are not connected to Discord"


@asynccontextmanager
async def endpoint(
    at: Address, registry: CollectorRegistry, problems: Callable[[], Sequence[str]]
) -> AsyncIterator[None]:
    """Serve both pages for the duration of the block; InvalidSetting if ``at`` cannot be used."""

    async def health(_request: web.Request) -> web.Response:
        reasons = problems()
        body = {"status": "unavailable", "reasons": list(reasons)} if reasons else {"status": "ok"}
        return web.json_response(body, status=503 if reasons else 200)

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
            problem, allowed = f"is {at.port}, which needs more privileges", "a port above 1023"
            raise InvalidSetting("METRICS_PORT", problem=problem, allowed=allowed) from error
        problem, allowed = f"is {at.host!r}, which this machine cannot serve", "an address of this machine"
        raise InvalidSetting("METRICS_HOST", problem=problem, allowed=allowed) from error
