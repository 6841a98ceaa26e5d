"""The real worker behind the real queue, killed during a text: the same tokens."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from bot.errors import ModelUnusable
from bot.model.client.process import ModelProcess, worker_command
from bot.model.protocol import (
    Ended,
    GenerationRequest,
    Ping,
    Pong,
    Ready,
    Rejected,
    SamplingParams,
    Step,
    Stepped,
    Submit,
)
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Finished, Progress
from tests.support.workers import Worker

REQUESTS = [
    GenerationRequest("sampled", (40313, 481), SamplingParams(max_new_tokens=120, seed=7)),
    GenerationRequest("greedy", (23421, 373), SamplingParams(max_new_tokens=120, temperature=0)),
]


def a_model(folder: Path) -> ModelProcess:
    return ModelProcess(worker_command(str(folder), None, 1, 4), name="tiny", pause=0.01)


async def undisturbed(model: ModelProcess, request: GenerationRequest) -> tuple[Step, ...]:
    return tuple([event.step async for event in model.run(request) if isinstance(event, Stepped)])


async def disturbed(queue: GenerationQueue, request: GenerationRequest, pid: int | None) -> tuple[Step, ...]:
    """Follow the request; kill the worker ``pid`` at the first progress."""
    async with queue.stream(request, asker=Asker(1, None)) as updates:
        async for update in updates:
            if isinstance(update, Progress) and pid is not None:
                assert len(update.steps) < request.params.max_new_tokens
                os.kill(pid, signal.SIGKILL)
                pid = None
            if isinstance(update, Finished):
                return update.completion.steps
    raise AssertionError("the stream did not finish")


@pytest.mark.slow
async def test_sigkill_in_the_middle_gives_the_same_steps(tiny_folder: Path) -> None:
    async with (
        a_model(tiny_folder) as model,
        GenerationQueue(model, Limits(max_waiting=4, max_running=2, per_person=2, deadline=120)) as queue,
    ):
        await model.wait_ready()
        expected = [await undisturbed(model, request) for request in REQUESTS]
        pid = model.pid
        assert pid is not None
        got = await asyncio.gather(disturbed(queue, REQUESTS[0], pid), disturbed(queue, REQUESTS[1], None))
        assert model.pid not in (None, pid)
    assert list(got) == expected
    assert [len(steps) for steps in expected] == [120, 120]


async def test_a_missing_model_cannot_be_used(tmp_path: Path) -> None:
    async with a_model(tmp_path / "nowhere") as model:
        with pytest.raises(ModelUnusable, match=r"MODEL=tiny cannot be used"):
            await model.wait_ready()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of another process")
def test_a_request_that_runs_out_of_memory_fails_alone(
    start: type[Worker], tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Otherwise the C library has memory reserved for other threads, which it may or may not use.
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    worker = start("--model", str(tiny_folder), "--threads", "1", "--prefix-cache", "8")
    worker.until(Ready)
    undisturbed = worker.run(REQUESTS[0])
    time.sleep(1.1)
    worker.send(Ping(), Ping())  # by the second, it has returned its spare memory
    worker.until(Pong)
    worker.until(Pong)
    process = psutil.Process(worker.process.pid)
    process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + 8 * 2**20, psutil.RLIM_INFINITY))
    worker.send(Submit(GenerationRequest("large", tuple(range(300)), SamplingParams(), scored=True)))
    *_, rejected = worker.until(Rejected, Ended)
    assert isinstance(rejected, Rejected)
    assert rejected.request_id == "large"
    assert "memory" in rejected.detail
    assert worker.run(REQUESTS[0]) == undisturbed
