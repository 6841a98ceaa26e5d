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

from bot.errors import GenerationFailed, QueueFull, ShuttingDown
from bot.model.client.lookups import AT_MOST, Lookups
from bot.model.client.process import ModelProcess
from bot.model.protocol import Alike, GenerationRequest, SamplingParams, Similar
from tests.fakes.scripted_worker import scripted_similar
from tests.support.waiting import until

TOKENS = (Alike(5, 0.5),)


# The bookkeeping


async def test_an_answer_reaches_its_caller() -> None:
    lookups = Lookups()
    one, other = lookups.ask(1, 10), lookups.ask(2, 10)
    first, second = lookups.submit()
    assert (first.token_id, second.count) == (1, 10)

    lookups.heard(Similar(second.lookup_id, TOKENS))
    assert await other == TOKENS
    assert not one.done()
    lookups.heard(Similar(first.lookup_id, ()))
    assert await one == ()


async def test_an_answer_to_a_caller_that_has_gone_is_dropped() -> None:
    lookups = Lookups()
    answer = lookups.ask(1, 10)
    (lookup,) = lookups.submit()
    answer.cancel()
    lookups.heard(Similar(lookup.lookup_id, TOKENS))
    lookups.heard(Similar("unknown", TOKENS))
    assert answer.cancelled()


async def test_a_lookup_that_cannot_be_answered_fails_alone() -> None:
    lookups = Lookups()
    one, other = lookups.ask(1, 10), lookups.ask(2, 10)
    failing, good = lookups.submit()
    lookups.heard(Similar(failing.lookup_id, None))
    lookups.heard(Similar(good.lookup_id, TOKENS))
    with pytest.raises(GenerationFailed):
        await one
    assert await other == TOKENS


async def test_too_many_at_once_are_refused() -> None:
    lookups = Lookups()
    for _ in range(AT_MOST):
        lookups.ask(1, 10)
    with pytest.raises(QueueFull):
        lookups.ask(1, 10)
    lookups.heard(Similar(lookups.submit()[0].lookup_id, ()))
    lookups.ask(1, 10)


async def test_each_is_sent_once_unless_nobody_waits_for_it() -> None:
    lookups = Lookups()
    lookups.ask(1, 10)
    lookups.ask(2, 10).cancel()

    assert [lookup.token_id for lookup in lookups.submit()] == [1]
    assert lookups.submit() == []


async def test_a_death_fails_only_what_that_worker_had() -> None:
    lookups = Lookups()
    had = lookups.ask(1, 10)
    lookups.submit()
    waiting = lookups.ask(2, 10)
    lookups.worker_died()

    with pytest.raises(GenerationFailed):
        await had
    assert not waiting.done()
    (lookup,) = lookups.submit()
    lookups.heard(Similar(lookup.lookup_id, TOKENS))
    assert await waiting == TOKENS


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


async def test_a_lookup_waits_for_a_loading_model(journal: Path) -> None:
    async with a_model(journal) as model:
        assert model.info is None
        assert await model.similar(7, 3) == scripted_similar(7, 3)


async def test_a_worker_that_dies_fails_the_lookup_and_the_next_one_answers(journal: Path) -> None:
    async with a_model(journal, {"die_at_lookup": 1}, {}) as model:
        await model.wait_ready()
        with pytest.raises(GenerationFailed):
            await model.similar(7, 3)
        assert await model.similar(8, 3) == scripted_similar(8, 3)


async def test_a_lookup_between_two_workers_waits_for_the_next(journal: Path) -> None:
    async with a_model(journal, pause=0.2) as model:
        await model.wait_ready()
        assert model.pid is not None
        os.kill(model.pid, signal.SIGKILL)
        await until(lambda: model.pid is None)
        assert await model.similar(7, 3) == scripted_similar(7, 3)
        assert model.restarts == 1


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
