"""A replica: an asynchronous shell around a model worker, which it replaces when that breaks.

What a worker's death means for its texts stays what it is without a cluster (:mod:`bot.model.client`).
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import ray
from ray import serve
from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle
from starlette.types import ASGIApp

from bot import logs
from bot.model.client.process import ModelProcess
from bot.model.protocol import Capacity, Ready
from bot.model.serving.application import Served, application

#: Seconds for which what was heard of the other replicas is news.
NEWS = 2.0
#: Seconds that they have to answer.
ANSWER = 1.0
#: What it means that not all of them answer: one takes too long, or none has begun, this one included.
_UNHEARD = (TimeoutError, DeploymentUnavailableError)


@dataclass(frozen=True, slots=True)
class Worker:
    """What each replica runs: the worker's ``command``, with the model ``name``, for ``texts`` at once."""

    command: tuple[str, ...]
    name: str
    texts: int
    key: str | None = field(default=None, repr=False)
    log_level: str = "INFO"
    log_format: logs.Form = "plain"


@serve.ingress()
class Replica:
    """One model worker, for those who have MODEL_KEY. Serve makes it, and calls what has no underscore."""

    async def __init__(self, worker: Worker) -> None:  # type: ignore[misc]  # Serve awaits it
        logs.configure(
            level=worker.log_level,
            discord_level=worker.log_level,
            form=worker.log_format,
            secrets=tuple(filter(None, [worker.key])),
        )
        self._key = worker.key
        context = serve.get_replica_context()
        self._name = context.replica_tag
        handle = serve.get_deployment_handle(context.deployment, context.app_name)
        self._others = Others(handle, worker.texts, await self.place())
        self._open = AsyncExitStack()
        self._model = await self._open.enter_async_context(
            ModelProcess(worker.command, name=worker.name, on_ready=self._learn, settings=os.environ)
        )
        await self._model.wait_ready()
        # Now, so that it knows of the others when it gets its first text.
        await self._capacity()

    def _learn(self, ready: Ready) -> None:
        self._ready = ready

    def __serve_build_asgi_app__(self) -> ASGIApp:
        return application(
            Served(
                self._model,
                lambda: self._ready,
                self._name,
                capacity=self._capacity,
                forget=self._others.forget,
                key=self._key,
            )
        )

    async def __del__(self) -> None:
        await self._open.aclose()

    async def check_health(self) -> None:
        """Raise unless the worker serves; after a few failures in a row Serve replaces the replica."""
        if not self._model.serving:
            raise RuntimeError("its worker does not serve")

    async def place(self) -> tuple[str, str]:
        """Its name, and the machine that it runs on."""
        return self._name, str(ray.get_runtime_context().get_node_id())

    async def forget(self) -> None:
        """Keep nothing of any text so far."""
        self._model.forget()

    async def _capacity(self) -> Capacity:
        return await self._others.capacity(str(self._ready.info.fingerprint))


@dataclass(eq=False)
class Others:
    """All replicas, by the ``handle`` that reaches them; each takes ``texts`` at once.

    ``own`` are this one's name and machine: its handle does not reach it yet when it has just begun.
    """

    handle: DeploymentHandle[Any]
    texts: int
    own: tuple[str, str]
    _machines: dict[str, str] = field(default_factory=dict)  # by replica
    _asked_at: float = float("-inf")
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def capacity(self, fingerprint: str) -> Capacity:
        """What they can do together; a replica that does not answer in time changes nothing."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= NEWS:
                with suppress(*_UNHEARD):
                    answers = await self._asked("place")
                    self._machines = dict(answer for answer in answers if isinstance(answer, tuple))
                self._asked_at = time.monotonic()
        machines = dict([self.own]) | self._machines
        replicas = len(machines)
        return Capacity(replicas, len(set(machines.values())), self.texts * replicas, fingerprint)

    async def forget(self) -> None:
        """Have each keep nothing of any text so far, also one that does not answer in time."""
        with suppress(*_UNHEARD):
            await self._asked("forget")

    async def _asked(self, method: str) -> list[Any]:
        asked = self.handle.broadcast(method)
        return await asked.results_async(timeout_s=ANSWER, return_exceptions=True)
