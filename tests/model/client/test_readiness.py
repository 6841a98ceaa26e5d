"""Who waits for the model learns that it is ready, or that it never will be."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import ModelUnusable, ShuttingDown
from bot.model.client.readiness import Readiness
from bot.model.protocol import Loading
from tests.fakes.scripted_worker import scripted_info

PROGRESS = Loading("reading weights", 1, 2, "tensors")


async def test_who_waits_gets_the_model_once_it_is_ready() -> None:
    readiness = Readiness(None)
    waiting = asyncio.create_task(readiness.wait())
    readiness.show(PROGRESS)
    await asyncio.sleep(0)
    assert not waiting.done()
    assert readiness.loading == PROGRESS
    readiness.ready(scripted_info())
    assert await waiting == readiness.info == scripted_info()
    assert readiness.loading is None
    readiness.check()


async def test_the_first_failure_stays_and_each_waiter_raises_one_of_its_own() -> None:
    readiness = Readiness(None)
    assert readiness.fail(lambda: ModelUnusable("it", problem="it is broken.", reason="failed"))
    assert not readiness.fail(ShuttingDown)
    raised = []
    for _ in range(2):
        with pytest.raises(ModelUnusable, match="it is broken") as error:
            await readiness.wait()
        raised.append(error.value)
    assert raised[0] is not raised[1]
    with pytest.raises(ModelUnusable):
        readiness.check()


async def test_a_model_that_was_ready_stays_known_after_a_failure() -> None:
    readiness = Readiness(None)
    readiness.ready(scripted_info())
    readiness.fail(ShuttingDown)
    assert readiness.failed
    assert await readiness.wait() == scripted_info()


def test_progress_is_shown_and_a_display_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    shown: list[Loading] = []

    def show(loading: Loading) -> None:
        shown.append(loading)
        raise BrokenPipeError

    readiness = Readiness(show)
    readiness.show(PROGRESS)
    assert shown == [PROGRESS]
    assert readiness.loading == PROGRESS
    assert "could not be shown" in caplog.text
