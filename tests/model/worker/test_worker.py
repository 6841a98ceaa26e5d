from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.model.protocol import (
    Abort,
    Ended,
    Forget,
    GenerationRequest,
    Loading,
    Lookup,
    Ping,
    Pong,
    Ready,
    Rejected,
    SamplingParams,
    Similar,
    Step,
    Stepped,
    Submit,
    Unusable,
)
from bot.model.wire import HEADER, encode
from bot.system.files import UNFINISHED
from tests.support.workers import ROOT, Worker

# What a library might do: print from Python and write from C.
NOISE = """
import os, runpy, sys
from bot.model.worker import engine
real = engine.Engine.step
def step(self):
    print("a stray print", flush=True)
    os.write(1, b"bytes from C")
    return real(self)
engine.Engine.step = step
sys.argv = ["worker", *sys.argv[1:]]
runpy.run_module("bot.model.worker", run_name="__main__")
"""


# Writes to stderr how many rows of a prompt are computed in each pass.
COUNTING = """
import runpy, sys
from bot.model.gpt2.transformer import GPT2
real = GPT2.forward
def forward(self, chunks):
    print("rows", *(len(chunk.ids) for chunk in chunks), file=sys.stderr, flush=True)
    return real(self, chunks)
GPT2.forward = forward
sys.argv = ["worker", *sys.argv[1:]]
runpy.run_module("bot.model.worker", run_name="__main__")
"""


# Gets no further than the beginning of the file that it keeps.
STUCK = """
import runpy, sys, time
from bot.model.cache import packed_files
def write(content, file):
    file.write(b"begun")
    file.flush()
    time.sleep(600)
packed_files.write = write
sys.argv = ["worker", *sys.argv[1:]]
runpy.run_module("bot.model.worker", run_name="__main__")
"""


@pytest.fixture(scope="module")
def worker(tiny_folder: Path) -> Iterator[Worker]:
    """A worker that is ready, for tests that leave it idle."""
    worker = Worker("--model", str(tiny_folder), "--threads", "2", "--max-batch", "4", "--prefix-cache", "8")
    worker.until(Ready)
    yield worker
    assert worker.end() == (0, "")


@pytest.mark.slow
def test_the_second_worker_has_nothing_to_pack_and_writes_the_same(
    start: type[Worker], tiny_folder: Path, tmp_path: Path
) -> None:
    found = []
    for _ in range(2):
        worker = start("--model", str(tiny_folder), "--cache-dir", str(tmp_path / "kept"))
        stages = [message.stage for message in worker.until(Ready) if isinstance(message, Loading)]
        found.append((stages, worker.run(request("a", seed=5))))
        while not list((tmp_path / "kept").glob("*.packed")):  # the first one is still at it
            time.sleep(0.01)
        assert worker.end() == (0, "")
    (first, steps), (second, again) = found
    assert {"checking", "packing weights"} <= set(first)
    assert not {"checking", "packing weights"} & set(second)
    assert again == steps


def request(name: str, **params: float) -> GenerationRequest:
    settings = {"max_new_tokens": 5, **params}
    return GenerationRequest(name, (40313, 481), SamplingParams(**settings))  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_worker_reports_loading_and_readiness_and_ends_with_its_parent(
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


@pytest.mark.slow
def test_requests_sent_while_it_loads_are_served_when_it_is_ready(
    start: type[Worker], tiny_folder: Path
) -> None:
    worker = start("--model", str(tiny_folder))
    worker.send(Submit(request("early")))
    worker.until(Ready)
    assert len(worker.until(Ended)) == 6
    assert worker.end() == (0, "")


@pytest.mark.slow
def test_two_requests_over_the_wire_write_the_same_together_as_alone(worker: Worker) -> None:
    first, second = request("first", max_new_tokens=12), request("second", seed=9, top_p=0.9)
    together = worker.run(first, second)
    assert worker.run(first) | worker.run(second) == together


def test_a_text_continued_over_the_wire_equals_one_longer_request(worker: Worker) -> None:
    whole = worker.run(request("whole", max_new_tokens=12))["whole"]
    begun = tuple(step.chosen.token_id for step in whole[:5])
    params = SamplingParams(max_new_tokens=7)
    rest = GenerationRequest("rest", (40313, 481, *begun), params, generated=5)
    assert worker.run(rest)["rest"] == whole[5:]


@pytest.mark.slow
def test_an_abort_ends_a_request_and_the_next_one_is_served(worker: Worker) -> None:
    worker.send(Submit(request("long", max_new_tokens=300)))
    worker.until(Stepped)
    worker.send(Abort("long"))
    messages = worker.until(Ended)
    assert messages[-1] == Ended("long", "cancelled")
    assert len(messages) < 200
    assert len(worker.run(request("next"))["next"]) == 5


@pytest.mark.slow
def test_a_lookup_while_a_text_is_written_changes_nothing_in_it(
    worker: Worker,
) -> None:
    alone = worker.run(request("alone", max_new_tokens=60))["alone"]
    worker.send(Submit(request("long", max_new_tokens=60)))
    worker.until(Stepped)
    worker.send(Lookup("what", 481, 7))
    messages = worker.until(Ended)
    (similar,) = (message for message in messages if isinstance(message, Similar))
    assert similar.lookup_id == "what"
    assert similar.tokens is not None
    assert len(similar.tokens) == 7
    assert [m.step for m in messages if isinstance(m, Stepped)] == alone[1:]


def test_an_idle_worker_answers_lookups_too(worker: Worker) -> None:
    worker.send(Lookup("a", 481, 1), Lookup("b", 60_000, 1))
    first, second = worker.receive(), worker.receive()
    assert isinstance(first, Similar)
    assert second == Similar("b", ())


def test_a_request_that_cannot_be_served_is_rejected_over_the_wire(worker: Worker) -> None:
    worker.send(Submit(GenerationRequest("empty", (), SamplingParams())))
    assert worker.until(Rejected) == [Rejected("empty", "the prompt is empty")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_an_interrupt_is_left_to_the_parent(worker: Worker) -> None:
    worker.process.send_signal(signal.SIGINT)
    assert len(worker.run(request("after"))["after"]) == 5


@pytest.mark.slow
def test_print_cannot_corrupt_the_frames(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder), program=("-c", NOISE))
    worker.until(Ready)
    assert len(worker.run(request("a"))["a"]) == 5
    status, errors = worker.end()
    assert status == 0
    assert "a stray print" in errors
    assert "bytes from C" in errors


def test_invalid_bytes_end_it_and_are_not_repeated_in_the_message(
    start: type[Worker], tiny_folder: Path
) -> None:
    worker = start("--model", str(tiny_folder))
    worker.stdin.write(HEADER.pack(6) + b"secret")
    worker.stdin.flush()
    worker.process.wait(timeout=60)
    status, errors = worker.end()
    assert status == 4
    assert errors == "The model worker received bytes that are no message.\n"


# Its messages cannot be read for lack of memory.
DEAF = """
import runpy, sys
from bot.model import wire
def decode(body):
    raise MemoryError
wire.decode = decode
sys.argv = ["worker", *sys.argv[1:]]
runpy.run_module("bot.model.worker", run_name="__main__")
"""


def test_a_worker_that_cannot_read_its_pipe_ends(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder), program=("-c", DEAF))
    worker.send(Submit(request("unheard")))
    worker.process.wait(timeout=60)
    status, errors = worker.end()
    assert status == 5
    assert "MemoryError" in errors


@pytest.mark.slow
def test_a_ping_is_answered_idle_and_busy(worker: Worker) -> None:
    worker.send(Ping())
    assert worker.receive() == Pong()
    worker.send(Submit(request("long", max_new_tokens=200)))
    worker.until(Stepped)
    worker.send(Ping())
    assert Pong() in worker.until(Ended)


def test_a_parent_that_dies_during_a_text_ends_it_too(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder))
    worker.until(Loading)
    worker.stdin.write(encode(Submit(request("half")))[:-3])
    assert worker.end() == (0, "")


@pytest.mark.slow
def test_a_parent_that_stops_reading_ends_it(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder))
    worker.until(Loading)
    worker.stdout.close()
    assert worker.process.wait(timeout=60) == 0


@pytest.mark.slow
def test_a_parent_that_goes_while_weights_are_kept_leaves_no_part_of_the_file(
    start: type[Worker], tiny_folder: Path, tmp_path: Path
) -> None:
    worker = start("--model", str(tiny_folder), "--cache-dir", str(tmp_path), program=("-c", STUCK))
    worker.until(Ready)
    while not [part for part in tmp_path.glob(f"*{UNFINISHED}") if part.stat().st_size]:
        time.sleep(0.01)
    assert worker.end() == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["digests.json"]


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
def test_an_unusable_model_is_reported_with_its_reason_and_ends_it(
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


@pytest.mark.slow
def test_an_unknown_hub_model_without_a_network_fails_soon(start: type[Worker]) -> None:
    *_, last = start("--model", "someone/no-such-model").until(Unusable)
    assert isinstance(last, Unusable)
    assert last.reason == "not_fetched"


def test_a_hub_variable_that_is_not_a_number_needs_the_operator(
    start: type[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "soon")
    worker = start("--model", "someone/tiny")
    *_, last = worker.until(Unusable)
    assert isinstance(last, Unusable)
    assert last.reason == "failed"
    assert last.detail.startswith("a variable for the hub (HF_…) cannot be used (ValueError: ")
    assert worker.end() == (3, "")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_worker_computes_in_the_precision_of_its_option(
    start: type[Worker], tiny_folder: Path, precision: str
) -> None:
    worker = start("--model", str(tiny_folder), "--precision", precision)
    *_, last = worker.until(Ready)
    assert isinstance(last, Ready)
    assert last.info.precision == precision
    assert len(worker.run(request("a"))["a"]) == 5
    assert worker.end() == (0, "")


@pytest.mark.slow
def test_a_worker_limited_to_a_lesser_processor_s_instructions_reports_the_same_to_the_bit(
    start: type[Worker], tiny_folder: Path
) -> None:
    def steps(*options: str) -> list[Step]:
        worker = start("--model", str(tiny_folder), "--precision", "int8", "--threads", "1", *options)
        worker.until(Ready)
        return worker.run(request("a", candidates=3))["a"]

    everything = steps()
    assert len(everything) == 5
    assert steps("--processor", "x86-64") == everything


@pytest.mark.parametrize(
    "wrong",
    [("--precision", "float16"), ("--prefix-cache", "-1"), ("--max-batch", "0"), ("--processor", "z80")],
)
def test_an_option_outside_its_range_is_refused(start: type[Worker], wrong: tuple[str, str]) -> None:
    status, errors = start("--model", "any", *wrong).end()
    assert status == 2
    assert wrong[0] in errors


def test_importing_the_worker_does_not_import_torch() -> None:
    code = (
        "import sys, bot.model.worker.__main__, bot.model.checkpoint.find; sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.slow
def test_a_forgotten_text_is_computed_again(start: type[Worker], tiny_folder: Path) -> None:
    worker = start("--model", str(tiny_folder), "--prefix-cache", "8", program=("-c", COUNTING))
    worker.until(Ready)
    first = worker.run(request("a", max_new_tokens=1))["a"]
    kept = worker.run(request("b", max_new_tokens=1))["b"]
    worker.send(Forget())
    again = worker.run(request("c", max_new_tokens=1))["c"]
    status, said = worker.end()

    assert first == kept == again
    assert (status, said.split("\n")) == (0, ["rows 2", "rows 1", "rows 2", ""])
