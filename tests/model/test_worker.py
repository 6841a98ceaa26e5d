from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.model.protocol import (
    HEADER,
    Abort,
    Ended,
    FromWorker,
    GenerationRequest,
    Loading,
    Message,
    Ready,
    Rejected,
    SamplingParams,
    Step,
    Stepped,
    Submit,
    ToWorker,
    Unusable,
    body_length,
    decode,
    encode,
)

ROOT = Path(__file__).parents[2]

# What a library might do: print from Python and write from C.
NOISE = """
import os, runpy, sys
from bot.model import engine
real = engine.Engine.step
def step(self):
    print("a stray print", flush=True)
    os.write(1, b"bytes from C")
    return real(self)
engine.Engine.step = step
sys.argv = ["worker", *sys.argv[1:]]
runpy.run_module("bot.model.worker", run_name="__main__")
"""


class Worker:
    """A worker process and the parent's ends of its pipes."""

    def __init__(self, *arguments: str, program: tuple[str, ...] = ("-m", "bot.model.worker")) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9"},
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def send(self, *messages: ToWorker) -> None:
        self.stdin.write(b"".join(encode(message) for message in messages))
        self.stdin.flush()

    def receive(self) -> Message | None:
        header = self.stdout.read(HEADER.size)
        return decode(self.stdout.read(body_length(header))) if header else None

    def until(self, *kinds: type[FromWorker]) -> list[Message]:
        """The messages up to the first of one of ``kinds``, which is the last of them."""
        messages: list[Message] = []
        while not messages or not isinstance(messages[-1], kinds):
            message = self.receive()
            assert message is not None, f"the worker ended: {self.end()}"
            messages.append(message)
        return messages

    def run(self, *requests: GenerationRequest) -> dict[str, list[Step]]:
        """The steps of ``requests`` submitted together."""
        self.send(*(Submit(request) for request in requests))
        steps: dict[str, list[Step]] = {request.request_id: [] for request in requests}
        going = set(steps)
        while going:
            match self.receive():
                case Stepped(name, index, step):
                    assert index == len(steps[name])
                    steps[name].append(step)
                case Ended(name, _):
                    going.remove(name)
                case other:
                    pytest.fail(f"{other}")
        return steps

    def end(self) -> tuple[int, str]:
        """Close stdin; the exit status and what came on stderr."""
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors.decode()


@pytest.fixture
def start() -> Iterator[type[Worker]]:
    """Starts workers, and ends those that the test leaves running."""
    started: list[Worker] = []

    class Started(Worker):
        def __init__(self, *arguments: str, program: tuple[str, ...] = ("-m", "bot.model.worker")) -> None:
            super().__init__(*arguments, program=program)
            started.append(self)

    yield Started
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
        if not worker.stdin.closed:
            worker.process.communicate()


@pytest.fixture(scope="module")
def worker(tiny_folder: Path) -> Iterator[Worker]:
    """A worker that is ready, for tests that leave it idle."""
    worker = Worker("--model", str(tiny_folder), "--threads", "2", "--max-batch", "4")
    worker.until(Ready)
    yield worker
    assert worker.end() == (0, "")


def request(name: str, **params: float) -> GenerationRequest:
    settings = {"max_new_tokens": 5, **params}
    return GenerationRequest(name, (40313, 481), SamplingParams(**settings))  # type: ignore[arg-type]


def test_a_worker_says_what_it_loads_then_that_it_is_ready_and_ends_with_its_parent(
    start: type[Worker], folder: Path
) -> None:
    worker = start("--model", str(folder), "--threads", "2")
    *loading, ready = worker.until(Ready, Unusable)
    assert isinstance(ready, Ready)
    assert ready.info.name == str(folder)
    assert ready.info.threads == 2
    assert all(isinstance(message, Loading) for message in loading)
    stages = list(dict.fromkeys(message.stage for message in loading if isinstance(message, Loading)))
    assert stages == ["starting", "checking", "starting torch", "reading weights", "packing weights"]
    assert worker.end() == (0, "")


def test_requests_sent_while_it_loads_are_served_when_it_is_ready(
    start: type[Worker], tiny_folder: Path
) -> None:
    worker = start("--model", str(tiny_folder))
    worker.send(Submit(request("early")))
    worker.until(Ready)
    assert len(worker.until(Ended)) == 6
    assert worker.end() == (0, "")


def test_two_requests_over_the_wire_say_the_same_together_as_alone(worker: Worker) -> None:
    first, second = request("first", max_new_tokens=12), request("second", seed=9, top_p=0.9)
    together = worker.run(first, second)
    assert worker.run(first) | worker.run(second) == together


def test_an_abort_ends_a_request_and_the_next_one_is_served(worker: Worker) -> None:
    worker.send(Submit(request("long", max_new_tokens=300)))
    worker.until(Stepped)
    worker.send(Abort("long"))
    messages = worker.until(Ended)
    assert messages[-1] == Ended("long", "cancelled")
    assert len(messages) < 200
    assert len(worker.run(request("next"))["next"]) == 5


def test_a_request_that_cannot_be_served_is_rejected_over_the_wire(worker: Worker) -> None:
    worker.send(Submit(GenerationRequest("empty", (), SamplingParams())))
    assert worker.until(Rejected) == [Rejected("empty", "the prompt is empty")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_an_interrupt_is_left_to_the_parent(worker: Worker) -> None:
    worker.process.send_signal(signal.SIGINT)
    assert len(worker.run(request("after"))["after"]) == 5


def test_what_is_printed_cannot_corrupt_the_frames(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder), program=("-c", NOISE))
    worker.until(Ready)
    assert len(worker.run(request("a"))["a"]) == 5
    status, errors = worker.end()
    assert status == 0
    assert "a stray print" in errors
    assert "bytes from C" in errors


def test_bytes_that_are_no_message_end_it_with_a_message_that_does_not_repeat_them(
    start: type[Worker], tiny_folder: Path
) -> None:
    worker = start("--model", str(tiny_folder))
    worker.stdin.write(HEADER.pack(6) + b"secret")
    worker.stdin.flush()
    worker.process.wait(timeout=60)
    status, errors = worker.end()
    assert status == 4
    assert errors == "The model worker was sent bytes that are no message.\n"


def test_a_parent_that_dies_while_it_writes_ends_it_too(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder))
    worker.until(Loading)
    worker.stdin.write(encode(Submit(request("half")))[:-3])
    assert worker.end() == (0, "")


def test_a_parent_that_stops_reading_ends_it(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder))
    worker.until(Loading)
    worker.stdout.close()
    assert worker.process.wait(timeout=60) == 0


def without_weights(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")


def like_bert(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    (folder / "model.safetensors").touch()


def broken(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"\0" * 100)


@pytest.mark.parametrize(
    ("spoil", "reason", "detail"),
    [
        (Path.rmdir, "not_found", "there is no such folder."),
        (without_weights, "not_found", "the folder has no model.safetensors"),
        (like_bert, "not_gpt2", "its model_type is 'bert'"),
        (broken, "failed", "its weights cannot be read"),
    ],
)
def test_a_model_that_cannot_be_used_is_named_with_the_reason_and_ends_it(
    start: type[Worker], tmp_path: Path, spoil: object, reason: str, detail: str
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    assert callable(spoil)
    spoil(folder)
    worker = start("--model", str(folder))
    *_, last = worker.until(Unusable)
    assert isinstance(last, Unusable)
    assert last.reason == reason
    assert detail in last.detail
    assert worker.end() == (3, "")


def test_an_unknown_hub_model_without_a_network_is_answered_soon(start: type[Worker]) -> None:
    *_, last = start("--model", "someone/no-such-model").until(Unusable)
    assert isinstance(last, Unusable)
    assert last.reason == "not_found"


def test_importing_the_worker_does_not_import_torch() -> None:
    code = "import sys, bot.model.worker, bot.model.checkpoint; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
