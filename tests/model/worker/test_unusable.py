"""Every reason why a model cannot be used: its causes, and whether a restart may help."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import close_session
from safetensors.torch import load_file, save_file

from bot.errors import UnusableReason
from bot.model.checkpoint.find import find
from bot.model.checkpoint.refusal import refusal
from bot.model.protocol import Unusable
from bot.model.worker.__main__ import start
from bot.model.worker.options import parse
from bot.system.exit_status import AFTER_REASON, ExitStatus
from tests.fakes.hub import COMMIT, NAME, Answer, Hub, running, use_hub
from tests.support.workers import ROOT

INDEX = "model.safetensors.index.json"
PASSING = {reason for reason, status in AFTER_REASON.items() if status is ExitStatus.FAILED}


@dataclass(frozen=True)
class Place:
    """A copy of the tiny model in ``folder``, the same on a ``hub``, and an empty ``cache``."""

    folder: Path
    hub: Hub
    cache: Path
    patch: pytest.MonkeyPatch

    @property
    def weights(self) -> Path:
        return self.folder / "model.safetensors"

    def configure(self, **changes: object) -> None:
        file = self.folder / "config.json"
        config = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**config, **changes}), encoding="utf-8")

    def change(self, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
        tensors = load_file(self.weights)
        change(tensors)
        save_file(tensors, self.weights, metadata={"format": "pt"})

    def shard(self) -> None:
        """Its weights in two files, as the folder and the hub have them."""
        tensors = load_file(self.weights)
        self.weights.unlink()
        names = ("model-1.safetensors", "model-2.safetensors")
        listed = {key: names[number % 2] for number, key in enumerate(sorted(tensors))}
        for name in names:
            save_file({key: tensors[key] for key in listed if listed[key] == name}, self.folder / name)
        (self.folder / INDEX).write_text(json.dumps({"weight_map": listed}), encoding="utf-8")
        self.hub.files = {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def cached(self, *, without: str) -> Path:
        """The snapshot that an interrupted download leaves, as older versions do."""
        base = self.cache / "models--someone--tiny"
        (base / "refs").mkdir(parents=True)
        (base / "refs" / "main").write_text(COMMIT, encoding="utf-8")
        snapshot = Path(shutil.copytree(self.folder, base / "snapshots" / COMMIT))
        (snapshot / without).unlink()
        return snapshot

    def away(self) -> None:
        # Nothing listens on the discard port.
        use_hub("http://127.0.0.1:9", self.patch)

    def answering(self, status: int, *, headers: dict[str, str] | None = None, body: bytes = b"{}") -> None:
        answer = Answer(status, body, headers or {})
        self.hub.instead = lambda _: answer


@pytest.fixture
def place(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "model"))
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running({path.name: path.read_bytes() for path in folder.iterdir()}) as hub:
        use_hub(hub.url, monkeypatch)
        yield Place(folder, hub, cache, monkeypatch)
    close_session()


def unusable(*arguments: str) -> Unusable:
    """The worker's message about the model: always one or two sentences on one line."""
    said = start(parse(["--threads", "1", *arguments]), lambda _: None)
    assert isinstance(said, Unusable)
    assert said.detail.isprintable()
    assert said.detail.endswith(".")
    assert len(said.detail) <= 400
    assert "hunter2" not in said.detail
    return said


Situation = Callable[[Place], tuple[str, ...]]
ROWS: list[Any] = []


def row(reason: UnusableReason, words: str) -> Callable[[Situation], Situation]:
    """A reason, a situation that leads to it and gives the worker's arguments, and part of the message."""

    def add(situation: Situation) -> Situation:
        ROWS.append(pytest.param(situation, reason, words, id=situation.__name__))
        return situation

    return add


# Needs the operator


@row("not_found", "there is no such folder")
def no_folder(place: Place) -> tuple[str, ...]:
    return (str(place.folder / "nowhere"),)


@row("not_found", "cannot be found (OSError: [Errno 36] File name too long")
def a_name_longer_than_any_file_s(_: Place) -> tuple[str, ...]:
    return ("x" * 5000,)


@row("not_found", "there is no such folder")
def the_home_of_somebody_unknown(_: Place) -> tuple[str, ...]:
    return ("~no-such-user/model",)


@row("not_found", "the folder has no model-2.safetensors")
def a_shard_is_missing(place: Place) -> tuple[str, ...]:
    place.shard()
    (place.folder / "model-2.safetensors").unlink()
    return (str(place.folder),)


@row("not_found", "the folder has no model.safetensors")
def a_hub_model_in_another_format(place: Place) -> tuple[str, ...]:
    place.hub.files["pytorch_model.bin"] = place.hub.files.pop("model.safetensors")
    return (NAME,)


@row("not_found", "has no such public model")
def a_hub_model_that_is_not_there(_: Place) -> tuple[str, ...]:
    return ("someone/else",)


@row("not_found", "has no such public model")
def the_hub_says_401_of_a_model_that_is_not_there(place: Place) -> tuple[str, ...]:
    place.answering(401, headers={"X-Error-Message": "Invalid username or password."})
    return ("someone/else",)


@row("not_found", "the hub model has no revision v9")
def a_revision_that_is_not_there(_: Place) -> tuple[str, ...]:
    return (NAME, "--revision", "v9")


@row("forbidden", "renew or remove HF_TOKEN")
def an_expired_token(place: Place) -> tuple[str, ...]:
    place.patch.setenv("HF_TOKEN", "hf_expired0123456789")
    body = json.dumps({"error": 'User Access Token "x" is expired\nLog in again'}).encode()
    place.answering(401, headers={"X-Error-Message": 'User Access Token "x" is expired'}, body=body)
    return (NAME,)


@row("forbidden", "renew or remove HF_TOKEN")
def an_invalid_token(place: Place) -> tuple[str, ...]:
    place.patch.setenv("HF_TOKEN", "hf_invalid0123456789")
    place.answering(401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})
    return (NAME,)


@row("forbidden", "accept them, then set HF_TOKEN")
def a_gated_model(place: Place) -> tuple[str, ...]:
    place.answering(403, headers={"X-Error-Code": "GatedRepo"})
    return (NAME,)


@row("forbidden", "does not let HF_TOKEN read it")
def a_token_without_the_permission(place: Place) -> tuple[str, ...]:
    place.patch.setenv("HF_TOKEN", "hf_narrow0123456789")
    place.answering(403)
    return (NAME,)


@row("forbidden", "has been disabled")
def a_disabled_model(place: Place) -> tuple[str, ...]:
    place.answering(403, headers={"X-Error-Message": "Access to this resource is disabled."})
    return (NAME,)


@row("forbidden", "refuses it (404 Not Found): check MODEL and HF_ENDPOINT")
def something_else_than_the_hub_at_its_address(place: Place) -> tuple[str, ...]:
    place.answering(404, body=b"<html>\n<h1>nothing here</h1>\n</html>")
    return (NAME,)


@row("forbidden", "HF_HUB_OFFLINE forbids")
def the_hub_is_switched_off(place: Place) -> tuple[str, ...]:
    place.patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return (NAME,)


@row("not_gpt2", "its model_type is 'bert'")
def another_kind_of_model(place: Place) -> tuple[str, ...]:
    place.configure(model_type="bert")
    return (str(place.folder),)


@row("not_gpt2", "it is a GPT2ForSequenceClassification, not a GPT-2 that writes texts")
def a_classifier(place: Place) -> tuple[str, ...]:
    place.configure(architectures=["GPT2ForSequenceClassification"])
    return (str(place.folder),)


@row("not_gpt2", "have score.weight, which is not part of a GPT-2 that writes text")
def a_classifier_that_does_not_say_so(place: Place) -> tuple[str, ...]:
    place.change(lambda tensors: tensors.update({"score.weight": torch.zeros(2, 16)}))
    return (str(place.folder),)


@row("failed", "its config.json has 1 layers, but its weights have more (transformer.h.1.")
def more_layers_than_configured(place: Place) -> tuple[str, ...]:
    place.configure(n_layer=1)
    return (str(place.folder),)


@row("failed", "transformer.h.2.ln_1.weight is missing")
def fewer_layers_than_configured(place: Place) -> tuple[str, ...]:
    place.configure(n_layer=10**9)
    return (str(place.folder),)


@row("failed", "transformer.wpe.weight is 320 × 16, by its config.json it should be 640 × 16")
def another_context_than_configured(place: Place) -> tuple[str, ...]:
    place.configure(n_positions=640)
    return (str(place.folder),)


@row("failed", "transformer.h.1.ln_2.bias has numbers that are NaN or infinite")
def weights_that_are_no_numbers(place: Place) -> tuple[str, ...]:
    place.change(lambda tensors: tensors["transformer.h.1.ln_2.bias"].fill_(torch.nan))
    return (str(place.folder),)


@row("failed", "transformer.wte.weight has numbers that are NaN or infinite")
def one_infinite_weight(place: Place) -> tuple[str, ...]:
    place.change(lambda tensors: tensors["transformer.wte.weight"][50_000:50_001, 7].fill_(-torch.inf))
    return (str(place.folder),)


@row("failed", "transformer.ln_f.bias is of the type I8")
def weights_that_are_quantized(place: Place) -> tuple[str, ...]:
    quantized = {"transformer.ln_f.bias": torch.zeros(16, dtype=torch.int8)}
    place.change(lambda tensors: tensors.update(quantized))
    return (str(place.folder),)


@row("failed", "ln_f.bias is there twice")
def a_tensor_by_two_names(place: Place) -> tuple[str, ...]:
    place.change(lambda tensors: tensors.update({"ln_f.bias": torch.zeros(16)}))
    return (str(place.folder),)


@row("failed", "model.safetensors is a Git LFS pointer, not the weights: run git lfs pull")
def a_pointer_of_git_lfs(place: Place) -> tuple[str, ...]:
    place.weights.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n")
    return (str(place.folder),)


@row("failed", "model-2.safetensors is a Git LFS pointer")
def a_shard_that_is_a_pointer_of_git_lfs(place: Place) -> tuple[str, ...]:
    place.shard()
    (place.folder / "model-2.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    return (str(place.folder),)


@row("failed", "model.safetensors is a web page, not the weights")
def a_web_page(place: Place) -> tuple[str, ...]:
    place.weights.write_text("\n<!DOCTYPE html>\n<html>\n<body>Sign in</body></html>" * 20)
    return (str(place.folder),)


@row("failed", "model.safetensors is empty")
def an_empty_file(place: Place) -> tuple[str, ...]:
    place.weights.write_bytes(b"")
    return (str(place.folder),)


@row("failed", "its weights cannot be read: model.safetensors is broken")
def half_a_file(place: Place) -> tuple[str, ...]:
    place.weights.write_bytes(place.weights.read_bytes()[:500_000])
    return (str(place.folder),)


@row("failed", "its weights cannot be read: model.safetensors is broken")
def a_file_of_an_endless_header(place: Place) -> tuple[str, ...]:
    place.weights.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    return (str(place.folder),)


@row("failed", "To download it again, delete ")
def half_a_file_in_the_cache(place: Place) -> tuple[str, ...]:
    snapshot = place.cached(without="generation_config.json")
    (snapshot / "model.safetensors").write_bytes(place.weights.read_bytes()[:500_000])
    place.away()
    return (NAME,)


@row("failed", "its config.json cannot be read as JSON")
def an_endlessly_nested_configuration(place: Place) -> tuple[str, ...]:
    (place.folder / "config.json").write_text("[" * 100_000)
    return (str(place.folder),)


@row("failed", "HF_ENDPOINT or the address of a proxy cannot be used (UnsupportedProtocol")
def an_address_that_is_none(place: Place) -> tuple[str, ...]:
    use_hub("huggingface", place.patch)
    return (NAME,)


@row("failed", "HF_ENDPOINT or the address of a proxy cannot be used (")
def a_proxy_that_is_none(place: Place) -> tuple[str, ...]:
    close_session()  # which has read the environment
    place.patch.setenv("all_proxy", "pigeon://ada:hunter2@127.0.0.1:1")
    place.patch.setenv("no_proxy", "")
    return (NAME,)


# A restart may help


@row("not_fetched", "it is not in the local cache and the Hugging Face Hub cannot be reached")
def the_hub_is_away(place: Place) -> tuple[str, ...]:
    place.away()
    return (NAME,)


@row("not_fetched", "it could not be downloaded completely, as the Hugging Face Hub cannot be reached")
def the_hub_is_away_after_an_interrupted_download(place: Place) -> tuple[str, ...]:
    place.cached(without="model.safetensors")
    place.away()
    return (NAME,)


@row("not_fetched", "it could not be downloaded completely, as the Hugging Face Hub cannot be reached")
def the_hub_is_away_and_a_shard_is_not_cached(place: Place) -> tuple[str, ...]:
    place.shard()
    place.cached(without="model-2.safetensors")
    place.away()
    return (NAME,)


@row("not_fetched", "it could not be downloaded completely, as the Hugging Face Hub cannot be reached")
def the_hub_is_away_and_a_link_of_the_cache_leads_nowhere(place: Place) -> tuple[str, ...]:
    snapshot = place.cached(without="model.safetensors")
    (snapshot / "model.safetensors").symlink_to("../../blobs/gone")
    place.away()
    return (NAME,)


@row("not_fetched", "it could not be downloaded completely, as")
def the_connection_breaks_in_the_middle(place: Place) -> tuple[str, ...]:
    place.patch.setattr("time.sleep", lambda _: None)  # between two tries
    body = place.hub.files["model.safetensors"]
    broken = Answer(body=body, headers={"ETag": '"w"', "X-Repo-Commit": COMMIT}, cut=len(body) // 2)
    place.hub.instead = lambda path: broken if path.endswith("/model.safetensors") else None
    return (NAME,)


@row("not_fetched", "the Hugging Face Hub is busy (429 Too Many Requests)")
def the_hub_is_busy(place: Place) -> tuple[str, ...]:
    place.answering(429, body=b"<html>\nslow\ndown\n</html>")
    return (NAME,)


@row("not_fetched", "the Hugging Face Hub is having problems (503 Service Unavailable)")
def the_hub_is_broken(place: Place) -> tuple[str, ...]:
    place.answering(503, body=b"<html>\n503\n</html>")
    return (NAME,)


@row("not_fetched", "what answers there is not the Hugging Face Hub")
def a_page_to_sign_in_answers_for_the_hub(place: Place) -> tuple[str, ...]:
    place.answering(200, body=b"<html>\nWelcome to our network\n</html>")
    return (NAME,)


@row("not_fetched", "the Hugging Face Hub cannot be reached")
def the_name_of_the_hub_is_not_known(place: Place) -> tuple[str, ...]:
    use_hub("http://hub.invalid", place.patch)
    return (NAME,)


@row("not_fetched", "the proxy does not let the bot through to the Hugging Face Hub (ProxyError: ")
def the_proxy_wants_a_password(place: Place) -> tuple[str, ...]:
    close_session()  # which has read the environment
    place.patch.setenv("https_proxy", place.hub.url)
    place.patch.setenv("no_proxy", "")
    use_hub("https://hub.invalid", place.patch)
    return (NAME,)


@row("no_memory", "there is not enough memory to load it")
def a_batch_that_no_memory_holds(place: Place) -> tuple[str, ...]:
    return (str(place.folder), "--max-batch", str(10**12))


@row("disk_full", "the disk is full (OSError: [Errno 28] No space left on device")
def a_full_disk(place: Place) -> tuple[str, ...]:
    real = Path.open

    def full(self: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if self.name.endswith(".incomplete"):
            return open("/dev/full", mode, buffering=0)  # noqa: PTH123 - it is closed by the caller
        return real(self, mode, *rest, **options)

    place.patch.setattr(Path, "open", full)
    return (NAME,)


@row("disk_error", "the disk fails to read or write its files (OSError: [Errno 5] Input/output error")
def a_broken_disk(place: Place) -> tuple[str, ...]:
    (place.folder / "config.json").unlink()
    (place.folder / "config.json").symlink_to("/proc/self/mem")
    return (str(place.folder),)


@row("disk_error", "the disk fails to read or write its files (OSError: No such device")
def a_disk_that_is_gone(place: Place) -> tuple[str, ...]:
    place.weights.unlink()
    place.weights.symlink_to("/proc/self/mem")
    return (str(place.folder),)


@row("fault", "loading it failed (RuntimeError: first line and a second).")
def something_unforeseen(place: Place) -> tuple[str, ...]:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("first line\n\tand a second.")

    place.patch.setattr("bot.model.worker.loading.load", fail)
    return (str(place.folder),)


LIMITED = """
import resource, sys
import bot.model.worker.engine, bot.model.worker.loading, bot.model.worker.similarity
from bot.model.worker.__main__ import start
from bot.model.worker.options import parse

def report(progress):
    if progress.stage == "reading weights":
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**20, resource.RLIM_INFINITY))

print(start(parse(["--model", sys.argv[1], "--threads", "1"]), report).reason)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits how much memory a process may ask for")
def test_lack_of_memory_while_reading_weights_is_worth_a_restart(tiny_folder: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tiny_folder)]
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    answer = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert answer.stdout == "no_memory\n", answer.stderr
    assert answer.stderr == ""


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Drop the privileges of root, if there are any."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "reason", "words"), ROWS)
def test_each_situation_gives_its_reason_and_one_sentence(
    place: Place, situation: Situation, reason: UnusableReason, words: str
) -> None:
    said = unusable("--model", *situation(place))
    assert words in said.detail
    assert said.reason == reason


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_an_unreadable_file_needs_the_operator(tiny_folder: Path, file: str) -> None:
    # Other users may not enter the folder of a test.
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(tiny_folder, Path(place) / "model"))
        Path(place).chmod(0o755)
        folder.chmod(0o755)
        (folder / file).chmod(0)
        with as_somebody_else(), pytest.raises(PermissionError) as caught:
            find(str(folder), revision=None, report=lambda _: None)
    refused = refusal(caught.value)
    assert refused.reason == "forbidden"
    assert f"/model/{file}" in refused.detail


def test_every_reason_is_in_the_table() -> None:
    assert {param.values[1] for param in ROWS} == set(AFTER_REASON)
    assert {"not_fetched", "no_memory", "disk_full", "disk_error", "fault"} == PASSING
