"""An aborted request takes at most one more step, and frees its slot for the next one."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.model.client.process import ModelProcess
from bot.model.protocol import Abort, Ended, GenerationRequest, Ready, SamplingParams, Stepped, Submit
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Progress
from tests.support.driving import Recorded, engine_of, request
from tests.support.workers import Worker

# The real worker, but a step takes as long as one of a large model on a slow machine.
SLOW = """
import runpy, sys, time
from bot.model.worker import engine
real = engine.Engine.step
def step(self):
    if not self.idle:
        time.sleep(0.3)
    return real(self)
engine.Engine.step = step
sys.argv = ["worker", *sys.argv[1:]]
runpy.run_module("bot.model.worker", run_name="__main__")
"""


def a_request(name: str) -> GenerationRequest:
    return GenerationRequest(name, (1, 2), SamplingParams(max_new_tokens=100))


@pytest.mark.slow
def test_the_engine_drops_an_aborted_request_and_admits_the_next_at_once(recorded: Recorded) -> None:
    engine = engine_of(recorded, max_batch=1)
    engine.submit(request("a", max_new_tokens=100))
    engine.submit(request("b", prompt=7))
    engine.step()
    engine.abort("a")
    recorded.passes.clear()
    cancelled, *rest = engine.step()
    assert cancelled == Ended("a", "cancelled")
    assert recorded.passes == [[7]], "only the next one's prompt"
    assert [event.request_id for event in rest] == ["b"]


@pytest.mark.slow
def test_a_request_whose_prompt_is_still_being_read_leaves_as_soon(recorded: Recorded) -> None:
    engine = engine_of(recorded, max_batch=1)
    engine.submit(request("a", prompt=600))
    engine.submit(request("b", prompt=7))
    engine.step()
    engine.abort("a")
    recorded.passes.clear()
    engine.step()
    assert recorded.passes == [[7]]


@pytest.mark.slow
def test_a_worker_takes_at_most_one_more_step_after_an_abort(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder), "--max-batch", "1", program=("-c", SLOW))
    worker.until(Ready)
    worker.send(Submit(request("a", max_new_tokens=300)), Submit(request("b")))
    worker.until(Stepped)
    worker.send(Abort("a"))
    *steps, ended = worker.until(Ended)
    assert ended == Ended("a", "cancelled")
    assert len(steps) <= 1
    first = worker.receive()
    assert isinstance(first, Stepped)
    assert first.request_id == "b"


@pytest.mark.slow
async def test_a_reader_that_leaves_frees_the_slot_for_a_waiting_request(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    script = json.dumps([{"step_seconds": 0.5, "note_steps": True}])
    command = (sys.executable, "-m", "tests.fakes.scripted_worker", str(journal), script)
    async with (
        ModelProcess(command, name="scripted") as model,
        GenerationQueue(model, Limits(max_waiting=4, max_running=1, per_person=1, deadline=60)) as queue,
    ):
        await model.wait_ready()
        waiting = asyncio.create_task(first_step(queue, a_request("b"), owner=2))
        await first_step(queue, a_request("a"), owner=1)
        await waiting
    received = journal.read_text().splitlines()
    left = received.index("abort a")
    assert received[left + 1] == "submit b", "the slot was free at once"
    assert "step a" not in received[left:]
    # One before it is left, one while the abort is on its way to the worker.
    assert received[:left].count("step a") <= 2


async def first_step(queue: GenerationQueue, request: GenerationRequest, owner: int) -> None:
    """Follow the request until its first step, and leave."""
    async with queue.stream(request, asker=Asker(owner, None)) as updates:
        async for update in updates:
            if isinstance(update, Progress) and update.steps:
                return


@pytest.mark.slow
async def test_an_abort_takes_effect_between_two_steps(tmp_path: Path) -> None:
    script = json.dumps([{"step_seconds": 0.5}])
    command = (sys.executable, "-m", "tests.fakes.scripted_worker", str(tmp_path / "journal"), script)
    async with (
        ModelProcess(command, name="scripted") as model,
        aclosing(model.run(a_request("a"))) as events,
    ):
        await anext(events)
        model.abort("a")
        after = [event async for event in events]
    assert after[-1] == Ended("a", "cancelled")
    assert len(after) <= 2
