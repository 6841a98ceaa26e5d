"""A caller learns that the model is ready or never will be; a broken worker is replaced soon."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import ModelUnusable, ShuttingDown
from bot.model.client.readiness import LONGEST_PAUSE, Readiness, Restarts
from bot.model.protocol import Loading
from tests.fakes.scripted_worker import scripted_info

PROGRESS = Loading("reading weights", 1, 2, "tensors")


async def test_a_waiter_gets_the_model_once_it_is_ready() -> None:
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


async def test_the_first_failure_stays_and_each_waiter_gets_an_error_of_its_own() -> None:
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


def pause_after_start(restarts: Restarts, *, ready: bool) -> float:
    """The pause after a start that was ready, or failed."""
    restarts.start()
    if ready:
        restarts.ready()
    return restarts.again()


def test_a_worker_that_served_is_replaced_soon_however_often_it_dies() -> None:
    restarts = Restarts(0.2)
    assert [pause_after_start(restarts, ready=True) for _ in range(100)] == [0.2] * 100
    assert restarts.total == 100


def test_each_failed_start_doubles_the_pause_up_to_the_longest() -> None:
    restarts = Restarts(0.2)
    pauses = [pause_after_start(restarts, ready=False) for _ in range(100)]
    assert pauses[:4] == [0.4, 0.8, 1.6, 3.2]
    assert set(pauses[4:]) == {LONGEST_PAUSE}
    assert restarts.failed_starts == 100
    assert pause_after_start(restarts, ready=True) == 0.2


def test_the_pause_stays_the_longest_after_any_number_of_failed_starts() -> None:
    restarts = Restarts(0.2, failed_starts=5_000)
    assert pause_after_start(restarts, ready=False) == LONGEST_PAUSE
