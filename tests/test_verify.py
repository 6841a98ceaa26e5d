"""``python -m bot verify``: the same text on another machine, or the first token that differs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs

from bot import launch
from bot import verify as verify_module
from bot.errors import GenerationFailed
from bot.features.complete import CompletionJob
from bot.features.receipt import Receipt, as_file, mismatch, receipt_of
from bot.model.checkpoint.find import find
from bot.model.kernels.lesser_processors import Limit
from bot.model.kernels.processor import this_processor
from bot.model.model_info import Precision
from bot.model.protocol import SamplingParams, Step
from bot.model.worker.engine import Engine
from bot.model.worker.loading import LoadedModel, load
from bot.queue.updates import Completion
from bot.settings import DEMO_MODEL, Settings
from bot.system.exit_status import ExitStatus
from tests.fakes.model import FakeModel
from tests.support.driving import run
from tests.support.samples import NOON

pytestmark = pytest.mark.slow

JOB = CompletionJob("a" * 16, 1, (7454, 2402, 257), SamplingParams(24, 0.9, 50, 0.95, 42), private=False)


def loaded(precision: Precision, limit: Limit | None = None) -> LoadedModel:
    checkpoint = find(str(DEMO_MODEL), revision=None, report=lambda _: None)
    return load(checkpoint, precision=precision, processor=this_processor(limit), report=lambda _: None)


def engine_of(model: LoadedModel) -> Engine:
    return Engine(model.model, model.sampling, ends=model.info.fingerprint.ends, max_batch=1)


def made(precision: Precision) -> Receipt:
    """The receipt of a text that this machine writes."""
    model = loaded(precision)
    outcome = run(engine_of(model), JOB.request(model.info.context))["a" * 16]
    finished = JOB.finished(
        Completion(tuple(outcome.steps), "length"), fingerprint=model.info.fingerprint, asked_at=NOON
    )
    return receipt_of(finished, model.info)


@pytest.fixture(scope="module")
def int8() -> Receipt:
    return made("int8")


def verify(receipt: Receipt, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "receipt.json"
    file.write_text(as_file(receipt))
    command = [sys.executable, "-W", "ignore", "-m", "bot", "--env", "/dev/null", "verify", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_text_written_in_any_precision_is_verified(int8: Receipt, tmp_path: Path) -> None:
    for receipt in (int8, made("float32")):
        process = verify(receipt, tmp_path)
        assert process.stdout == "Identical: seed 42 gives the same 24 tokens here.\n"
        assert process.returncode == 0


@pytest.mark.parametrize("limit", ["avx2", "x86-64"])
def test_a_lesser_processor_verifies_an_int8_text(int8: Receipt, limit: Limit) -> None:
    engine = engine_of(loaded("int8", limit))
    (outcome,) = run(engine, int8.request).values()
    assert mismatch(int8, outcome.ids) is None


def test_the_first_token_that_differs_is_named(int8: Receipt, tmp_path: Path) -> None:
    ids = (*int8.token_ids[:10], 262, *int8.token_ids[11:])
    forged = structs.replace(int8, token_ids=ids)
    process = verify(structs.replace(forged, receipt=forged.number), tmp_path)
    assert process.stdout.startswith("Different from token 11 on: the receipt has ␣the, this machine writes ")
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": "sha256:0"}, "another model wrote its text, from a folder called demo-model.\n"),
        ({"engine": 3}, "version 3 of the engine wrote its text, and this is version 4"),
        ({"ends": (13,)}, "another tokenizer"),
    ],
)
def test_a_text_that_this_model_cannot_have_written_is_refused(
    int8: Receipt, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    other = structs.replace(int8, fingerprint=structs.replace(int8.fingerprint, **changes))
    process = verify(structs.replace(other, receipt=other.number), tmp_path)
    assert said in process.stderr
    assert (process.stdout, process.returncode) == ("", 2)


def test_a_model_of_the_hub_is_named_as_it_is_set(int8: Receipt, tmp_path: Path) -> None:
    made = structs.replace(int8.fingerprint, weights="commit:abc")
    other = structs.replace(int8, fingerprint=made, model="openai-community/gpt2", revision="abc")
    process = verify(structs.replace(other, receipt=other.number), tmp_path)
    assert process.stderr.endswith(": set MODEL=openai-community/gpt2 and MODEL_REVISION=abc.\n")


async def test_without_a_model_there_is_nothing_to_compare(
    int8: Receipt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "NOBODY", 0.0)
    file = tmp_path / "receipt.json"
    file.write_text(as_file(int8))
    settings = Settings.from_env({"MODEL_URL": "http://127.0.0.1:9"})
    assert await verify_module.verify(file, settings, {}) is ExitStatus.NEEDS_FIX
    said = capsys.readouterr().err
    assert said.startswith("Nobody has answered at MODEL_URL=http://127.0.0.1:9 for ")


async def test_a_text_that_the_model_fails_on_is_not_called_different(
    int8: Receipt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> Step:
        raise GenerationFailed("on cue")

    @asynccontextmanager
    async def failing(*_: object, **__: object) -> AsyncIterator[FakeModel]:
        yield FakeModel(info=loaded("int8").info, says=fail)

    monkeypatch.setattr(verify_module, "loading", failing)
    file = tmp_path / "receipt.json"
    file.write_text(as_file(int8))
    assert await verify_module.verify(file, Settings.from_env({}), {}) is ExitStatus.NEEDS_FIX
    assert capsys.readouterr() == ("", "The model failed on this request. Please try again.\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "bot", "--env", "/dev/null", "verify", "nowhere.json"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert process.stderr == "The receipt 'nowhere.json' cannot be verified: No such file or directory.\n"
    assert process.returncode == 2
