"""Every way a worker can fail, against a real child process."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from bot.errors import GenerationFailed, ModelUnusable, ShuttingDown, UnusableReason
from bot.model.client import child as child_module
from bot.model.client.child import LINE_CHARACTERS, LINES_PER_SECOND, Child, LineLog
from bot.model.client.process import ModelProcess, worker_command
from bot.model.protocol import (
    Ended,
    GenerationRequest,
    Loading,
    Ready,
    Stepped,
)
from bot.system.exit_status import AFTER_REASON, ExitStatus, exit_status
from tests.fakes.scripted_worker import POISON, REJECTED, scripted_info
from tests.support.scripted_requests import a_request, undisturbed
from tests.support.waiting import until

Make = Callable[..., ModelProcess]


class Journal:
    """The worker's journal of its lives."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self) -> str:
        return self.path.read_text() if self.path.exists() else ""

    def lives(self) -> int:
        return self.text().count("start\n")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


@pytest.fixture
def make(journal: Journal) -> Make:
    def make(*script: dict[str, Any], **options: Any) -> ModelProcess:
        command = (sys.executable, "-m", "tests.fakes.scripted_worker", str(journal.path))
        return ModelProcess(
            (*command, json.dumps(script or [{}])), **{"name": "scripted", "pause": 0.01, **options}
        )

    return make


@pytest.fixture(autouse=True)
async def nothing_leaks() -> AsyncIterator[None]:
    """Each test leaves neither a child process nor a task of its own behind."""
    before = children()
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert children() <= before


def children() -> set[str]:
    """The process ids of this process's children; other tests may have left theirs running."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


async def collect(model: ModelProcess, request: GenerationRequest) -> list[Stepped | Ended]:
    return [event async for event in model.run(request)]


# Ordinary requests


async def test_steps_arrive_in_order_and_end(make: Make) -> None:
    async with make() as model:
        assert await model.wait_ready() == model.info == scripted_info()
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_several_run_at_once(make: Make) -> None:
    requests = [a_request(str(number), seed=number, steps=3 + number) for number in range(5)]
    async with make() as model:
        results = await asyncio.gather(*(collect(model, request) for request in requests))
    assert results == [undisturbed(request) for request in requests]


async def test_a_request_before_the_model_is_ready_waits(make: Make) -> None:
    async with make() as model:
        assert model.info is None
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_launched_waits_for_the_first_worker(make: Make) -> None:
    async with make() as model:
        assert model.pid is None
        await model.launched()
        assert model.pid is not None


async def test_launched_does_not_wait_for_a_worker_that_cannot_be_started() -> None:
    async with ModelProcess(("/no/such/program",), name="none", pause=0.01) as model:
        await model.launched()
        assert model.pid is None


async def test_an_id_in_use_is_refused_and_free_again_afterwards(make: Make) -> None:
    async with make() as model:
        async with aclosing(model.run(a_request(steps=1000))) as events:
            await anext(events)
            with pytest.raises(ValueError, match="already"):
                await collect(model, a_request())
        await until(lambda: not model._roster.owed)
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_a_rejected_request_fails_alone(make: Make) -> None:
    async with make() as model:
        results = await asyncio.gather(
            collect(model, a_request("bad", first=REJECTED)),
            collect(model, a_request()),
            return_exceptions=True,
        )
    assert isinstance(results[0], GenerationFailed)
    assert results[0].detail == "on cue"
    assert results[1] == undisturbed(a_request())


def test_the_command_names_every_option() -> None:
    command = worker_command("gpt2", "abc", 2, 8, precision="int8", prefix_cache=64)
    assert command[1:] == (
        *("-m", "bot.model.worker", "--model", "gpt2", "--revision", "abc"),
        *("--threads", "2", "--max-batch", "8", "--precision", "int8", "--prefix-cache", "64"),
    )
    assert "--revision" not in worker_command("gpt2", None, 2, 8)


# Loading


async def test_loading_progress_is_kept_and_called_back(make: Make) -> None:
    seen: list[Loading] = []
    stages = [["downloading", 0, 0, "bytes"], ["reading weights", 1, 2, "tensors"]]
    async with make({"loading": stages}, on_loading=seen.append) as model:
        await until(lambda: model.loading is not None or model.info is not None)
        await model.wait_ready()
        assert model.loading is None
    assert seen == [Loading("downloading", 0, 0, "bytes"), Loading("reading weights", 1, 2, "tensors")]


async def test_a_progress_bar_that_fails_does_not_end_the_model(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(loading: Loading) -> None:
        raise BrokenPipeError

    async with make({"loading": [["downloading", 0, 0, "bytes"]]}, on_loading=broken) as model:
        await model.wait_ready()
    assert "could not be shown" in caplog.text


async def test_unusable_is_final(make: Make, journal: Journal) -> None:
    async with make({"unusable": ["not_gpt2", "its type is llama."]}) as model:
        for _ in range(2):
            with pytest.raises(ModelUnusable, match=r"MODEL=scripted cannot be used: its type is llama\.$"):
                await model.wait_ready()
        with pytest.raises(ModelUnusable):
            await collect(model, a_request())
    assert journal.lives() == 1


@pytest.mark.parametrize("reason", AFTER_REASON)
async def test_the_worker_s_reason_decides_how_the_bot_ends(make: Make, reason: UnusableReason) -> None:
    async with make({"unusable": [reason, "it is so."]}) as model:
        with pytest.raises(ModelUnusable) as caught:
            await model.wait_ready()
    assert caught.value.reason == reason
    assert exit_status(caught.value) is AFTER_REASON[reason]


async def test_a_worker_killed_while_loading_may_have_run_out_of_memory() -> None:
    killed = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    async with ModelProcess(killed, name="scripted", pause=0.01) as model:
        with pytest.raises(ModelUnusable, match="SIGKILL, perhaps for lack of memory") as caught:
            await model.wait_ready()
    assert exit_status(caught.value) is ExitStatus.FAILED


async def test_two_deaths_while_loading_are_forgiven(make: Make) -> None:
    async with make({"exit_loading": 1}, {"exit_loading": 1}, {}) as model:
        await model.wait_ready()


async def test_three_deaths_while_loading_are_final(make: Make, journal: Journal) -> None:
    async with make({"exit_loading": 7}) as model:
        with pytest.raises(ModelUnusable, match=r"3 times.*exit status 7") as caught:
            await model.wait_ready()
    assert exit_status(caught.value) is ExitStatus.FAILED
    assert journal.lives() == 3


async def test_a_command_that_cannot_be_run_is_unusable() -> None:
    async with ModelProcess(["/nowhere/python"], name="scripted", pause=0.01) as model:
        with pytest.raises(ModelUnusable, match="/nowhere/python"):
            await model.wait_ready()


async def test_leaving_while_loading(make: Make) -> None:
    async with make({"step_seconds": 1}) as model:
        waiting = asyncio.create_task(model.wait_ready())
        await asyncio.sleep(0)
    with pytest.raises(ShuttingDown):
        await waiting


# Deaths


@pytest.mark.parametrize(
    "fault", ["die_at", "exit_at", "close_at", "garbage_at", "digits_at", "oversize_at", "skip_at"]
)
async def test_a_broken_worker_is_replaced_unnoticed(make: Make, fault: str, journal: Journal) -> None:
    async with make({fault: 3}, {}) as model:
        both = await asyncio.gather(
            collect(model, a_request("a")), collect(model, a_request("b", seed=7, steps=9))
        )
        assert list(both) == [undisturbed(a_request("a")), undisturbed(a_request("b", seed=7, steps=9))]
    assert journal.lives() == 2


async def test_a_bug_on_the_bot_s_side_costs_a_worker_but_not_the_model(
    make: Make, journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receive, received = Child.receive, 0

    async def defective(child: Child) -> Any:
        nonlocal received
        received += 1
        if received == 3:
            raise ZeroDivisionError
        return await receive(child)

    monkeypatch.setattr(Child, "receive", defective)
    async with make() as model:
        assert await collect(model, a_request()) == undisturbed(a_request())
    assert journal.lives() == 2
    assert "the model worker could not be served" in caplog.text


async def test_sigkill_in_the_middle_gives_the_same_steps(make: Make) -> None:
    request = a_request(steps=40)
    async with make({"step_seconds": 0.01}, {}) as model:
        events = []
        async for event in model.run(request):
            events.append(event)
            if len(events) == 5 and model.pid is not None:
                os.kill(model.pid, signal.SIGKILL)
    assert events == undisturbed(request)


@pytest.mark.slow
async def test_a_worker_that_hangs_is_replaced(make: Make) -> None:
    async with make({"hang_at": 2}, {}, patience=0.3) as model:
        assert await collect(model, a_request()) == undisturbed(a_request())
        assert model.restarts == 1


@pytest.mark.slow
@pytest.mark.parametrize("busy", [False, True])
async def test_a_stopped_worker_is_replaced(make: Make, busy: bool) -> None:
    request = a_request(steps=1000)
    async with make(patience=0.3) as model, aclosing(model.run(request)) as events:
        await (anext(events) if busy else model.wait_ready())
        stopped = model.pid
        assert stopped is not None
        os.kill(stopped, signal.SIGSTOP)
        await until(lambda: model.restarts == 1)
        assert await collect(model, a_request("b")) == undisturbed(a_request("b"))
        assert model.pid != stopped


@pytest.mark.slow
async def test_a_worker_stopped_while_it_loads_is_replaced(make: Make, journal: Journal) -> None:
    async with make({"hang_loading": True}, {}, patience=0.3) as model:
        await until(lambda: journal.lives() == 1)
        assert model.pid is not None
        os.kill(model.pid, signal.SIGSTOP)
        await model.wait_ready()
        assert model.restarts == 1


@pytest.mark.slow
async def test_a_busy_worker_is_not_taken_for_one_that_hangs(make: Make) -> None:
    async with make({"busy_at": 2, "busy_seconds": 1.5}, patience=0.5) as model:
        assert await collect(model, a_request()) == undisturbed(a_request())
        assert model.restarts == 0


@pytest.mark.slow
async def test_an_idle_worker_keeps_running(make: Make) -> None:
    async with make(patience=1.0) as model:
        await model.wait_ready()
        await asyncio.sleep(1.5)
        assert await collect(model, a_request(steps=1)) == undisturbed(a_request(steps=1))
        assert model.restarts == 0


async def test_an_unfinished_message_is_detected_sooner_than_a_hang(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    async with make({"unfinished_at": 2}, {}, patience=1.0) as model:
        assert await collect(model, a_request()) == undisturbed(a_request())
        assert model.restarts == 1
    assert "it began a message and did not end it" in caplog.text


async def test_a_worker_killed_while_idle_is_replaced(make: Make) -> None:
    async with make() as model:
        await model.wait_ready()
        assert model.pid is not None
        os.kill(model.pid, signal.SIGKILL)
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_an_unusable_replacement_is_tried_again(make: Make) -> None:
    async with make({"die_at": 1}, {"unusable": ["failed", "no memory"]}, {}) as model:
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_a_replacement_with_other_weights_continues_nothing(make: Make) -> None:
    async with make({"die_at": 2}, {"fingerprint": "another"}) as model:
        with pytest.raises(GenerationFailed) as failed:
            await collect(model, a_request())
        assert "changed" in failed.value.detail
        assert await collect(model, a_request("b")) == undisturbed(a_request("b"))


async def test_a_replacement_with_another_encoding_ends_the_model(make: Make) -> None:
    async with make({"die_at": 2}, {"encoding": "bpe:another"}) as model:
        with pytest.raises(ModelUnusable) as failed:
            await collect(model, a_request())
        assert exit_status(failed.value) is ExitStatus.FAILED
        assert "its tokenizer became another one" in failed.value.sentence


async def test_on_ready_is_called_before_the_model_counts_as_ready(make: Make) -> None:
    ready_infos: list[Ready] = []

    def tell(ready: Ready) -> None:
        assert model.info is None
        ready_infos.append(ready)

    async with make(on_ready=tell) as model:
        info = await model.wait_ready()
        assert ready_infos == [Ready(info)]


async def test_two_deaths_fail_the_poison_alone(make: Make, journal: Journal) -> None:
    async with make() as model:
        with pytest.raises(GenerationFailed, match="failed on this request"):
            await collect(model, a_request("poison", first=POISON))
        assert await collect(model, a_request()) == undisturbed(a_request())
    assert journal.lives() == 3


async def test_poison_among_others_is_found_and_the_others_finish(make: Make) -> None:
    others = [a_request(str(number), seed=number, steps=20) for number in range(3)]
    async with make() as model:
        await model.wait_ready()
        poison, *results = await asyncio.gather(
            collect(model, a_request("poison", first=POISON)),
            *(collect(model, request) for request in others),
            return_exceptions=True,
        )
    assert isinstance(poison, GenerationFailed)
    assert results == [undisturbed(request) for request in others]


@pytest.mark.slow
async def test_restarts_do_not_storm(make: Make, journal: Journal) -> None:
    async with make({}, {"exit_loading": 1}, pause=0.15) as model:
        await model.wait_ready()
        assert model.pid is not None
        os.kill(model.pid, signal.SIGKILL)
        await asyncio.sleep(1.0)
    # The pauses are 0.15, 0.3, 0.6 s: no time for a fourth replacement.
    assert 2 <= journal.lives() <= 4


# Leaving


async def test_leaving_early_aborts(make: Make, journal: Journal) -> None:
    async with make() as model:
        async with aclosing(model.run(a_request(steps=1000))) as events:
            await anext(events)
        await until(lambda: "abort a" in journal.text())
        await until(lambda: not model._roster.owed)
        assert await collect(model, a_request("b")) == undisturbed(a_request("b"))


async def test_a_cancelled_reader_aborts(make: Make, journal: Journal) -> None:
    async with make() as model:
        reader = asyncio.create_task(collect(model, a_request(steps=1000)))
        await until(lambda: "submit a" in journal.text())
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await until(lambda: "abort a" in journal.text())


async def test_abort_ends_the_run_as_cancelled(make: Make) -> None:
    events = []
    async with make() as model:
        async for event in model.run(a_request(steps=1000)):
            events.append(event)
            model.abort("a")
            model.abort("a")
        model.abort("unknown")
    assert events[-1] == Ended("a", "cancelled")
    assert len(events) < 100


async def test_abort_before_the_worker_has_it(make: Make) -> None:
    async with make() as model:
        reader = asyncio.create_task(collect(model, a_request()))
        await asyncio.sleep(0)
        model.abort("a")
        assert await reader == [Ended("a", "cancelled")]


async def test_abort_of_what_dies_with_the_worker(make: Make, journal: Journal) -> None:
    async with make({"hang_at": 1}, {}) as model:
        reader = asyncio.create_task(collect(model, a_request()))
        await until(lambda: "submit a" in journal.text())
        model.abort("a")
        assert model.pid is not None
        os.kill(model.pid, signal.SIGKILL)
        assert (await reader)[-1] == Ended("a", "cancelled")
        await until(lambda: journal.lives() == 2)
        assert "submit" not in journal.text().rpartition("start")[2]


async def test_closing_ends_the_worker_in_order(make: Make, journal: Journal) -> None:
    async with make() as model:
        await model.wait_ready()
    assert journal.text() == "start\nend\n"
    assert model.pid is None


async def test_closing_fails_what_still_runs(make: Make) -> None:
    async with make() as model:
        reader = asyncio.create_task(collect(model, a_request(steps=100_000)))
        await model.wait_ready()
    with pytest.raises(ShuttingDown):
        await reader
    with pytest.raises(ShuttingDown):
        await collect(model, a_request("late"))


async def test_closing_kills_a_worker_that_does_not_listen(make: Make) -> None:
    async with make({"hang_at": 0}, grace=0.1) as model:
        reader = asyncio.create_task(collect(model, a_request()))
        await model.wait_ready()
        pid = model.pid
        await asyncio.sleep(0.05)
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ShuttingDown):
        await reader


async def test_closing_waits_until_a_killed_worker_is_gone(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "LAST_WORDS", 0.0)
    async with make({"hang_at": 1}, grace=0.0) as model, aclosing(model.run(a_request())) as events:
        await anext(events)
        pid = model.pid
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_an_interrupt_in_the_terminal_does_not_reach_the_worker(make: Make) -> None:
    async with make() as model:
        await model.wait_ready()
        assert model.pid is not None
        assert os.getsid(model.pid) == model.pid != os.getsid(0)


async def test_cancelling_while_the_worker_ends_still_ends_it(make: Make) -> None:
    async def serve() -> None:
        async with make({"hang_at": 1}, grace=60) as model, aclosing(model.run(a_request())) as events:
            await anext(events)
            assert model._supervisor.child is not None
            hanging.append(model._supervisor.child)

    hanging: list[Child] = []

    serving = asyncio.create_task(serve())
    # Once its stdin is closed, the bot waits for a worker that does not listen.
    await until(lambda: any(child._stdin.is_closing() for child in hanging))
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()  # as asyncio.run does at the end
    with pytest.raises(asyncio.CancelledError):
        await serving
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_the_worker_ends_when_the_bot_is_killed(journal: Journal) -> None:
    program = f"""
import asyncio, sys
from bot.model.client.process import ModelProcess
async def main():
    command = [sys.executable, "-m", "tests.fakes.scripted_worker", {str(journal.path)!r}, "[{{}}]"]
    async with ModelProcess(command, name="scripted") as model:
        await model.wait_ready()
        # Another child, started later, must not hold the worker's stdin open.
        await asyncio.create_subprocess_exec("sleep", "5")
        print("up", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert bot.stdout is not None
    assert await bot.stdout.readline() == b"up\n"
    os.kill(bot.pid, signal.SIGKILL)
    await until(lambda: journal.text() == "start\nend\n")
    os.killpg(bot.pid, signal.SIGKILL)
    await bot.communicate()


# What it prints


async def test_a_stderr_flood_does_not_block(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    async with make({"flood": 1_000_000}) as model:
        assert await collect(model, a_request()) == undisturbed(a_request())
    lines = [record for record in caplog.records if record.name == "bot.model.worker"]
    assert lines
    assert all(len(record.getMessage()) <= LINE_CHARACTERS + 1 for record in lines)


def test_stderr_lines_keep_their_level_and_lose_their_controls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    log = LineLog()
    for chunk in (b"INFO load", b"ing\n\x1b[31mTrace\xff", b"back\r\n\nlast\n"):
        log.feed(chunk)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "INFO loading"),
        ("WARNING", "�[31mTrace�back"),
        ("WARNING", "last"),
    ]


def test_lines_beyond_the_limit_are_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("bot.model.client.child.time.monotonic", lambda: now)
    log = LineLog()
    log.feed(b"line\n" * (LINES_PER_SECOND + 7))
    now += 2
    log.feed(b"later\n")
    messages = [record.getMessage() for record in caplog.records]
    assert messages[-2:] == ["7 more lines were left out", "later"]
    assert len(messages) == LINES_PER_SECOND + 2


async def test_forget_reaches_only_a_serving_worker(make: Make, journal: Journal) -> None:
    async with make() as model:
        model.forget()
        await model.wait_ready()
        model.forget()
        await collect(model, a_request())
    assert journal.text().count("forget\n") == 1
