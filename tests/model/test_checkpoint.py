from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.model import checkpoint
from bot.model.checkpoint import Checkpoint, ModelRefused, find
from bot.model.protocol import GPT2_LARGE, Loading

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def refused(name: str, revision: str | None = None) -> tuple[str, str]:
    with pytest.raises(ModelRefused) as caught:
        find(name, revision=revision, report=lambda _: None)
    return caught.value.reason, caught.value.detail


def found(name: str, revision: str | None = None) -> tuple[Checkpoint, list[Loading]]:
    reports: list[Loading] = []
    return find(name, revision=revision, report=reports.append), reports


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny model in a folder that the test may spoil."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, **changes}), encoding="utf-8")


def test_a_folder_is_taken_as_it_is(tiny_folder: Path) -> None:
    given, reports = found(str(tiny_folder))
    assert (given.folder, given.revision) == (tiny_folder, None)
    assert reports[-1].done == reports[-1].total > 1_000_000


def test_a_folders_identity_follows_its_weights_and_its_configuration(copied: Path) -> None:
    seen = {found(str(copied))[0].identity}
    edit_config(copied, layer_norm_epsilon=1e-3)
    seen.add(found(str(copied))[0].identity)
    weights = bytearray((copied / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copied / "model.safetensors").write_bytes(weights)
    seen.add(found(str(copied))[0].identity)
    assert len(seen) == 3


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "bot/data/no-such-model", "~/nothing-here"])
def test_a_path_to_nothing_is_not_looked_for_on_the_hub(name: str) -> None:
    assert refused(name) == ("not_found", "there is no such folder.")


def test_a_name_that_can_be_neither_folder_nor_model_is_refused() -> None:
    assert refused("two--dashes") == ("not_found", "it is neither a folder nor the name of a hub model.")


def test_a_file_is_no_model(tiny_folder: Path) -> None:
    assert refused(str(tiny_folder / "config.json")) == ("not_found", "there is no such folder.")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_without_a_needed_file_is_refused(copied: Path, missing: str) -> None:
    (copied / missing).unlink()
    (copied / "pytorch_model.bin").touch()
    reason, detail = refused(str(copied))
    assert reason == "not_found"
    assert f"the folder has no {missing}" in detail


def test_another_kind_of_model_is_refused_by_its_type(copied: Path) -> None:
    edit_config(copied, model_type="bert")
    assert refused(str(copied)) == ("not_gpt2", "it is not a GPT-2: its model_type is 'bert'.")


def test_another_vocabulary_is_refused(copied: Path) -> None:
    edit_config(copied, vocab_size=50258)
    reason, detail = refused(str(copied))
    assert reason == "not_gpt2"
    assert "its vocabulary is 50258" in detail


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_broken_configuration_is_refused(copied: Path, text: str) -> None:
    (copied / "config.json").write_text(text, encoding="latin-1")
    assert refused(str(copied)) == ("failed", "its config.json cannot be read as JSON.")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty local cache of hub models."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put_into(cache: Path, name: str, commit: str, folder: Path) -> Path:
    base = cache / f"models--{name.replace('/', '--')}"
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text(commit, encoding="utf-8")
    return Path(shutil.copytree(folder, base / "snapshots" / commit))


def test_a_cached_model_is_used_without_asking_the_network(
    cache: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = put_into(cache, "someone/tiny", COMMIT, tiny_folder)
    monkeypatch.setattr(checkpoint, "_download", pytest.fail)
    expected = Checkpoint("someone/tiny", COMMIT, snapshot, f"commit:{COMMIT}")
    assert found("someone/tiny") == (expected, [])


def test_the_default_model_means_its_pinned_revision(
    cache: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = "32b71b12589c2f8d625668d2335a01cac3249519"
    put_into(cache, GPT2_LARGE, pinned, tiny_folder)
    (cache / "models--openai-community--gpt2-large" / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    monkeypatch.setattr(checkpoint, "_download", pytest.fail)
    assert found(GPT2_LARGE)[0].revision == pinned


class Hub:
    """A hub of one model, ``someone/tiny``, at one revision."""

    def __init__(self, folder: Path) -> None:
        files = {path.name: path.read_bytes() for path in folder.iterdir()}

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(with_body=False)

            def do_GET(self) -> None:
                self.answer(with_body=True)

            def answer(self, *, with_body: bool) -> None:
                path = self.path.split("?")[0]
                name = path.rsplit("/", 1)[-1]
                if path == "/api/models/someone/tiny/revision/main":
                    self.say(json.dumps({"id": "someone/tiny", "sha": COMMIT, "siblings": []}).encode())
                elif path == f"/api/models/someone/tiny/tree/{COMMIT}":
                    tree = [
                        {"type": "file", "path": name, "size": len(data), "oid": name}
                        for name, data in files.items()
                    ]
                    self.say(json.dumps(tree).encode())
                elif path == f"/someone/tiny/resolve/{COMMIT}/{name}":
                    headers = {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}
                    self.say(files[name], headers, with_body=with_body)
                else:
                    known = path.startswith("/api/models/someone/tiny/")
                    error = "RevisionNotFound" if known else "RepoNotFound"
                    self.say(b"{}", {"X-Error-Code": error}, status=404)

            def say(
                self,
                body: bytes,
                headers: dict[str, str] | None = None,
                *,
                status: int = 200,
                with_body: bool = True,
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                for key, value in (headers or {}).items():
                    self.send_header(key, value)
                self.end_headers()
                if with_body:
                    self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Stay quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def hub(cache: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub(tiny_folder)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    thread = threading.Thread(target=hub.server.serve_forever)
    thread.start()
    yield hub
    hub.server.shutdown()
    thread.join()
    hub.server.server_close()


@pytest.mark.usefixtures("hub")
def test_a_model_is_downloaded_once_and_its_bytes_are_reported(cache: Path, tiny_folder: Path) -> None:
    first, reports = found("someone/tiny")
    size = (tiny_folder / "model.safetensors").stat().st_size
    assert first.revision == COMMIT
    assert (first.folder / "model.safetensors").stat().st_size == size
    assert {report.stage for report in reports} == {"downloading"}
    assert reports[-1].done == reports[-1].total > size
    assert found("someone/tiny") == (first, [])


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_hub_does_not_have_is_refused() -> None:
    reason, detail = refused("someone/else")
    assert reason == "not_found"
    assert "the Hugging Face Hub has no such public model" in detail


@pytest.mark.usefixtures("hub")
def test_a_revision_that_the_hub_does_not_have_is_refused() -> None:
    assert refused("someone/tiny", "v9") == ("not_found", "the hub model has no revision v9.")


@pytest.mark.usefixtures("cache")
def test_a_model_that_is_neither_cached_nor_within_reach_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing listens on the discard port.
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    reason, detail = refused("someone/tiny")
    assert reason == "not_fetched"
    assert "cannot be reached" in detail
