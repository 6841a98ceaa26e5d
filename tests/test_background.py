"""Background work cannot end unnoticed: a failure is logged and the work restarts."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot import background
from bot.background import Background
from bot.model.client.process import ModelProcess
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.monitoring.lag import measured_lag
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Finished
from bot.store.database import IN_MEMORY, opened
from bot.store.housekeeping import tidied
from bot.store.runs import Runs
from tests.support.waiting import until

Kill = Callable[[asyncio.Task[object]], None]


def by_an_exception(task: asyncio.Task[object]) -> None:
    """Make the future that the task awaits raise, as a defect or a failing library would."""
    task._fut_waiter.set_exception(RuntimeError("killed"))  # type: ignore[attr-defined]


def by_cancelling(task: asyncio.Task[object]) -> None:
    task.cancel()


KILLS: tuple[Kill, ...] = (by_an_exception, by_cancelling)
# Every background task of the bot, in the order of their names.
LASTING = [
    "deadlines",
    "event loop lag",
    "housekeeping",
    "model supervisor",
    "model worker heartbeat",
    "model worker stderr",
    "runner 1",
    "runner 2",
    "storing what waits",
]


class Work:
    """Work that fails ``failures`` times as soon as it starts, then waits, or returns if it ``ends``."""

    def __init__(self, *, failures: int = 0, ends: bool = False) -> None:
        self.begun = 0
        self._failures = failures
        self._ends = ends

    async def __call__(self) -> None:
        self.begun += 1
        if self.begun <= self._failures:
            raise OSError("a person's secret")
        if not self._ends:
            await asyncio.Event().wait()


@pytest.mark.parametrize("kill", KILLS)
async def test_killed_work_restarts(kill: Kill, caplog: pytest.LogCaptureFixture) -> None:
    work = Work()
    async with Background(work, name="sweeping", pause=0.001):
        for times in range(1, 4):
            await until(lambda times=times: work.begun == times and bool(named("sweeping")))  # type: ignore[misc]
            await asyncio.sleep(0)
            kill(named("sweeping")[0])
        await until(lambda: work.begun == 4)

    assert caplog.text.count("sweeping") == 3
    assert not named("sweeping")


async def test_each_failure_in_a_row_doubles_the_pause_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(background, "LONGEST_PAUSE", 0.01)
    work = Work(failures=5)
    async with Background(work, name="sweeping", pause=0.002):
        await until(lambda: work.begun == 6)

    pauses = [record.args[2] for record in caplog.records if isinstance(record.args, tuple)]
    assert pauses == [0.002, 0.004, 0.008, 0.01, 0.01]


async def test_work_that_returns_is_finished_and_does_not_restart(caplog: pytest.LogCaptureFixture) -> None:
    work = Work(failures=1, ends=True)
    async with Background(work, name="sweeping", pause=0.001) as sweeping:
        await sweeping.finished()
        await asyncio.sleep(0.01)

    assert work.begun == 2


async def test_leaving_ends_the_work_even_while_it_waits_to_restart() -> None:
    work = Work(failures=1)
    async with Background(work, name="sweeping", pause=0.3):
        await until(lambda: work.begun == 1 and not named("sweeping"))
    await asyncio.sleep(0.4)

    assert work.begun == 1


async def test_a_failure_while_leaving_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError

    async with Background(work, name="sweeping"):
        await asyncio.sleep(0)

    assert "sweeping failed while ending" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("kill", KILLS)
async def test_every_background_task_of_the_bot_survives_being_killed(
    kill: Kill, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with everything_that_runs(tmp_path) as queue:
        assert (await one_text(queue, "before")).completion.steps
        # A task of the request above may still be ending.
        await until(lambda: sorted(task.get_name() for task in others()) == LASTING)
        for name in LASTING:
            await until(lambda name=name: all_wait(name))  # type: ignore[misc]
            (victim,) = named(name)
            kill(victim)
            await until(lambda name=name, victim=victim: is_back(name, victim))  # type: ignore[misc]
            assert (await one_text(queue, f"after {name}")).completion.steps
        await until(lambda: sorted(task.get_name() for task in others()) == LASTING)

    for name in LASTING:
        assert any(name in message or "could not be served" in message for message in caplog.messages), name


@pytest.mark.parametrize("kill", KILLS)
async def test_a_request_whose_runner_is_killed_fails_and_frees_its_slot(
    kill: Kill, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with everything_that_runs(tmp_path) as queue:
        for number in range(4):
            long = request(f"long {number}", steps=100_000)
            async with queue.stream(long, asker=Asker(1, None)) as updates:
                await until(lambda: len(busy_runners()) == 1)
                kill(busy_runners()[0])
                with pytest.raises(Exception, match="The model failed on this request"):
                    async for _ in updates:
                        pass
            assert queue.load.running == 0
        assert (await one_text(queue, "after")).completion.steps


@asynccontextmanager
async def everything_that_runs(folder: Path) -> AsyncIterator[GenerationQueue]:
    """Every part of the bot that has tasks of its own, with a scripted worker."""
    script = json.dumps([{"step_seconds": 0.001}])
    command = (sys.executable, "-m", "tests.fakes.scripted_worker", str(folder / "journal"), script)
    async with (
        opened(IN_MEMORY) as database,
        ModelProcess(command, name="scripted", pause=0.01) as model,
        GenerationQueue(model, Limits(max_waiting=1, max_running=2, per_person=2, deadline=60)) as queue,
        tidied(Runs(database, days=30)),
        measured_lag(),
    ):
        await model.wait_ready()
        yield queue


async def one_text(queue: GenerationQueue, name: str) -> Finished:
    async with queue.stream(request(name), asker=Asker(1, None)) as updates:
        async for update in updates:
            if isinstance(update, Finished):
                return update
    pytest.fail("a stream without an end")


def request(name: str, *, steps: int = 3) -> GenerationRequest:
    return GenerationRequest(name, (1, 2, 3), SamplingParams(max_new_tokens=steps))


def others() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def named(name: str) -> list[asyncio.Task[object]]:
    return [task for task in others() if task.get_name() == name]


def all_wait(name: str) -> bool:
    tasks = named(name)
    return len(tasks) == 1 and is_waiting(tasks[0])


def is_waiting(task: asyncio.Task[object]) -> bool:
    future: asyncio.Future[object] | None = task._fut_waiter  # type: ignore[attr-defined]
    return future is not None and not future.done()


def is_back(name: str, victim: asyncio.Task[object]) -> bool:
    """Whether the work goes on, in a new task or in the same one if it coped."""
    tasks = named(name)
    return len(tasks) == 1 and (tasks[0] is not victim or not victim.cancelling())


def busy_runners() -> list[asyncio.Task[object]]:
    """Return the runners that wait for the model's next step."""
    return [task for task in (*named("runner 1"), *named("runner 2")) if is_waiting(task) and follows(task)]


def follows(task: asyncio.Task[object]) -> bool:
    coroutine: object = task.get_coro()
    while coroutine is not None and getattr(coroutine, "__name__", "") != "_follow":
        coroutine = getattr(coroutine, "cr_await", None)
    return coroutine is not None
