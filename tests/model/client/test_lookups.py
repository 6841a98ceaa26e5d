"""A lookup of similar tokens is answered or fails at once; none is forgotten."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from bot.errors import GenerationFailed, ModelLoading, QueueFull, ShuttingDown
from bot.model.client.lookups import AT_MOST, Lookups
from bot.model.client.process import ModelProcess
from bot.model.protocol import Alike, GenerationRequest, SamplingParams, Similar
from tests.fakes.scripted_worker import scripted_similar
from tests.support.waiting import until

TOKENS = (Alike(5, 0.5),)


# The bookkeeping


async def test_an_answer_reaches_its_caller() -> None:
    lookups = Lookups()
    first, one = lookups.ask(1, 10)
    second, other = lookups.ask(2, 10)
    assert (first.token_id, second.count) == (1, 10)

    lookups.heard(Similar(second.lookup_id, TOKENS))
    assert await other == TOKENS
    assert not one.done()
    lookups.heard(Similar(first.lookup_id, ()))
    assert await one == ()


async def test_an_answer_to_a_caller_that_has_gone_is_dropped() -> None:
    lookups = Lookups()
    lookup, answer = lookups.ask(1, 10)
    answer.cancel()
    lookups.heard(Similar(lookup.lookup_id, TOKENS))
    lookups.heard(Similar("unknown", TOKENS))
    assert answer.cancelled()


async def test_a_lookup_that_cannot_be_answered_fails_alone() -> None:
    lookups = Lookups()
    failing, one = lookups.ask(1, 10)
    good, other = lookups.ask(2, 10)
    lookups.heard(Similar(failing.lookup_id, None))
    lookups.heard(Similar(good.lookup_id, TOKENS))
    with pytest.raises(GenerationFailed):
        await one
    assert await other == TOKENS


async def test_too_many_at_once_are_refused() -> None:
    lookups = Lookups()
    asked = [lookups.ask(1, 10) for _ in range(AT_MOST)]
    with pytest.raises(QueueFull):
        lookups.ask(1, 10)
    lookups.heard(Similar(asked[0][0].lookup_id, ()))
    lookups.ask(1, 10)


# Before a worker


def a_model(journal: Path, *script: dict[str, Any], **options: Any) -> ModelProcess:
    command = (sys.executable, "-m", "tests.fakes.scripted_worker", str(journal), json.dumps(script or [{}]))
    return ModelProcess(command, **{"name": "scripted", "pause": 0.01, **options})


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


async def test_the_worker_answers_during_a_text_too(journal: Path) -> None:
    request = GenerationRequest("a", (1, 2), SamplingParams(max_new_tokens=100_000))
    async with a_model(journal) as model, aclosing(model.run(request)) as events:
        await anext(events)
        assert await model.similar(7, 3) == scripted_similar(7, 3)


async def test_a_loading_model_refuses_lookups(journal: Path) -> None:
    async with a_model(journal) as model:
        with pytest.raises(ModelLoading):
            await model.similar(7, 3)
        await model.wait_ready()
        assert await model.similar(7, 3)


async def test_a_worker_that_dies_fails_the_lookup_and_the_next_one_answers(journal: Path) -> None:
    async def answered() -> bool:
        try:
            return await model.similar(8, 3) == scripted_similar(8, 3)
        except ModelLoading:
            return False

    async with a_model(journal, {"die_at_lookup": 1}, {}) as model:
        await model.wait_ready()
        with pytest.raises(GenerationFailed):
            await model.similar(7, 3)
        await until(answered)


async def test_a_lookup_between_two_workers_is_refused_at_once(journal: Path) -> None:
    async def gone() -> bool:
        return model.pid is None

    async with a_model(journal, pause=60.0) as model:
        await model.wait_ready()
        assert model.pid is not None
        os.kill(model.pid, signal.SIGKILL)
        await until(gone)
        with pytest.raises(ModelLoading):
            await model.similar(7, 3)


async def test_a_worker_that_does_not_answer_is_replaced(journal: Path) -> None:
    async with a_model(journal, {"hang_at_lookup": 1}, {}, patience=0.2) as model:
        await model.wait_ready()
        with pytest.raises(GenerationFailed):
            await model.similar(7, 3)


async def test_shutting_down_fails_open_lookups(journal: Path) -> None:
    async with a_model(journal, {"hang_at_lookup": 1}, grace=0.1) as model:
        await model.wait_ready()
        asking = asyncio.ensure_future(model.similar(7, 3))
        await asyncio.sleep(0)
    with pytest.raises(ShuttingDown):
        await asking
    with pytest.raises(ShuttingDown):
        await model.similar(7, 3)


async def test_a_caller_that_stops_waiting_leaves_the_worker_as_it_is(journal: Path) -> None:
    async with a_model(journal) as model:
        await model.wait_ready()
        asking = asyncio.ensure_future(model.similar(7, 3))
        await asyncio.sleep(0)
        asking.cancel()
        assert await model.similar(8, 3) == scripted_similar(8, 3)
