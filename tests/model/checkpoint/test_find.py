from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub import snapshot_download

from bot.model.checkpoint.find import Checkpoint, find, own_tokenizer
from bot.model.checkpoint.refusal import ModelRefused
from bot.model.model_info import GPT2_LARGE
from bot.model.protocol import Loading
from tests.fakes.hub import COMMIT, Hub, running, use_hub
from tests.model.conftest import DEMO_MODEL
from tests.support.checkpoints import trained, write_model, write_tokenizer, write_vocabulary


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
def test_a_path_is_not_looked_up_on_the_hub(name: str) -> None:
    assert refused(name) == ("not_found", "there is no such folder.")


def test_a_name_that_can_be_neither_folder_nor_model_is_refused() -> None:
    assert refused("two--dashes") == ("not_found", "it is neither a folder nor the name of a hub model.")


def test_a_file_is_not_a_model(tiny_folder: Path) -> None:
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
    model = write_model(copied, 50_258)
    reason, detail = refused(str(model))
    assert reason == "not_gpt2"
    assert "its tokenizer is missing, and with 50,258 tokens it cannot be GPT-2's own" in detail


def test_a_tokenizer_of_another_kind_is_refused(copied: Path) -> None:
    (copied / "vocab.txt").write_text("[UNK]")
    reason, detail = refused(str(copied))
    assert reason == "not_gpt2"
    assert detail == "its tokenizer is of another kind: of its files there is vocab.txt."


@pytest.mark.parametrize("text", ["{", "[]", '{"model": 1}', "\xff", '{"model": {"type": "BPE"}}'])
def test_a_broken_tokenizer_is_refused(copied: Path, text: str) -> None:
    (copied / "tokenizer.json").write_text(text, encoding="latin-1")
    with pytest.raises(ModelRefused) as caught:
        own_tokenizer(found(str(copied))[0])
    assert caught.value.reason in ("failed", "not_gpt2")
    assert caught.value.detail.startswith(("the files of its tokenizer cannot be read.", "its tokenizer "))


def test_a_tokenizer_is_read_from_a_folder(tmp_path: Path) -> None:
    folder = write_tokenizer(write_model(tmp_path / "model", 400), trained(size=400))
    checkpoint, _ = found(str(folder))
    tokenizer = own_tokenizer(checkpoint)
    assert (checkpoint.tokenizer, checkpoint.vocabulary) == ("own", 400)
    assert tokenizer is not None
    assert tokenizer.size == 400


@pytest.mark.parametrize(
    ("generation", "config", "ends"),
    [
        (None, {}, (50_256,)),
        (None, {"eos_token_id": [13, 50_256]}, (13, 50_256)),
        (None, {"eos_token_id": None}, ()),
        ({}, {"eos_token_id": 13}, ()),
        ({"eos_token_id": 7}, {"eos_token_id": 13}, (7,)),
        ({"eos_token_id": [9, 7, 9, -1, 50_257]}, {}, (7, 9)),
    ],
)
def test_generation_config_says_where_a_text_ends(
    copied: Path, generation: object, config: dict[str, object], ends: tuple[int, ...]
) -> None:
    edit_config(copied, **config)
    (copied / "generation_config.json").unlink()
    if generation is not None:
        (copied / "generation_config.json").write_text(json.dumps(generation))
    assert found(str(copied))[0].ends == ends


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read as JSON."),
        ('{"eos_token_id": "7"}', "has eos_token_id '7', which must be a token id or a list of them."),
    ],
)
def test_a_broken_generation_config_is_refused(copied: Path, text: str, problem: str) -> None:
    (copied / "generation_config.json").write_text(text)
    assert refused(str(copied)) == ("failed", f"its generation_config.json {problem}")


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


@pytest.mark.slow
def test_a_cached_model_is_used_without_the_network(
    cache: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = put_into(cache, "someone/tiny", COMMIT, tiny_folder)
    shutil.copy(DEMO_MODEL / "tokenizer.json", snapshot)
    monkeypatch.setattr("bot.model.checkpoint.hub._download", pytest.fail)
    expected = Checkpoint("someone/tiny", COMMIT, snapshot, f"commit:{COMMIT}", 50_257, (50_256,), "gpt2")
    assert found("someone/tiny") == (expected, [])


def test_the_default_model_means_its_pinned_revision(
    cache: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = "32b71b12589c2f8d625668d2335a01cac3249519"
    put_into(cache, GPT2_LARGE, pinned, tiny_folder)
    (cache / "models--openai-community--gpt2-large" / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    monkeypatch.setattr("bot.model.checkpoint.hub._download", pytest.fail)
    assert found(GPT2_LARGE)[0].revision == pinned


@pytest.fixture
def hub(cache: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with the tiny model, which huggingface_hub uses."""
    with running({path.name: path.read_bytes() for path in tiny_folder.iterdir()}) as hub:
        use_hub(hub.url, monkeypatch)
        yield hub


@pytest.mark.usefixtures("hub")
def test_a_model_is_downloaded_once_and_its_bytes_are_reported(cache: Path, tiny_folder: Path) -> None:
    first, reports = found("someone/tiny")
    size = (tiny_folder / "model.safetensors").stat().st_size
    assert first.revision == COMMIT
    assert (first.folder / "model.safetensors").stat().st_size == size
    assert {report.stage for report in reports} == {"downloading"}
    assert reports[-1].done == reports[-1].total > size
    assert found("someone/tiny") == (first, [])


def test_the_tokenizer_is_requested_if_only_the_weights_are_cached(
    cache: Path, hub: Hub, tiny_folder: Path, tmp_path: Path
) -> None:
    put_into(cache, "someone/tiny", COMMIT, tiny_folder)
    write_vocabulary(tmp_path / "beside", trained())
    hub.files |= {path.name: path.read_bytes() for path in (tmp_path / "beside").iterdir()}
    assert found("someone/tiny")[0].tokenizer == "own"
    hub.files.clear()
    assert found("someone/tiny")[0].tokenizer == "own"


def test_a_missing_tokenizer_is_requested_only_once(
    cache: Path, hub: Hub, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into(cache, "someone/tiny", COMMIT, tiny_folder)
    assert found("someone/tiny")[0].tokenizer == "none"
    monkeypatch.setattr(
        "bot.model.checkpoint.hub.snapshot_download", partial(snapshot_download, local_files_only=True)
    )
    assert found("someone/tiny")[0].tokenizer == "none"


@pytest.mark.slow
def test_a_model_whose_tokenizer_is_out_of_reach_may_be_loaded_later(
    cache: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_into(cache, "someone/tiny", COMMIT, tiny_folder)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    reason, detail = refused("someone/tiny")
    assert reason == "not_fetched"
    assert "the Hugging Face Hub cannot be reached" in detail


@pytest.mark.usefixtures("hub")
def test_a_model_that_the_hub_does_not_have_is_refused() -> None:
    reason, detail = refused("someone/else")
    assert reason == "not_found"
    assert "the Hugging Face Hub has no such public model" in detail


@pytest.mark.usefixtures("hub")
def test_a_revision_that_the_hub_does_not_have_is_refused() -> None:
    assert refused("someone/tiny", "v9") == ("not_found", "the hub model has no revision v9.")


@pytest.mark.usefixtures("cache")
def test_a_model_that_is_neither_cached_nor_reachable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing listens on the discard port.
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    reason, detail = refused("someone/tiny")
    assert reason == "not_fetched"
    assert "cannot be reached" in detail
