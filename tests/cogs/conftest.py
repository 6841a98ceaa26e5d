"""Worlds for commands that need a particular model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from bot.playground.world import World
from bot.services import Services
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.fakes.model import FakeModel
from tests.support.queues import queue_before
from tests.support.worlds import live

OpenWorld = Callable[..., AbstractAsyncContextManager[World]]


@pytest_asyncio.fixture(loop_scope="session")
async def live_world(services: Services, runs: Runs) -> AsyncIterator[World]:
    """A world with the real model, in which an action returns before the model has finished."""
    async with live(replace(services, runs=runs)) as world:
        yield world


@pytest.fixture
def open_world(runs: Runs) -> OpenWorld:
    """Opens a live world with a fake model; options are the queue's."""

    @asynccontextmanager
    async def opened(model: FakeModel, **options: Any) -> AsyncIterator[World]:
        async with (
            queue_before(model, **options) as queue,
            live(Services(queue, Encodings(), runs)) as world,
        ):
            yield world

    return opened
