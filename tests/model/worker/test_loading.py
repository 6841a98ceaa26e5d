from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel

from bot.model.cache.packed_files import PackedFiles
from bot.model.checkpoint.find import Checkpoint, find
from bot.model.checkpoint.refusal import ModelRefused
from bot.model.kernels.lesser_processors import Limit
from bot.model.kernels.processor import this_processor
from bot.model.kernels.variates import Twister
from bot.model.model_info import Precision
from bot.model.protocol import Loading
from bot.model.worker.loading import LoadedModel, fingerprint, load
from tests.model.conftest import random_model
from tests.support.driving import torch_threads


def checkpoint_of(folder: Path) -> Checkpoint:
    return find(str(folder), revision=None, report=lambda _: None)


def refused(folder: Path, *, precision: Precision = "float32") -> tuple[str, str]:
    with pytest.raises(ModelRefused) as caught:
        load(checkpoint_of(folder), precision=precision, report=lambda _: None)
    return caught.value.reason, caught.value.detail


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


@pytest.mark.slow
def test_a_checkpoint_of_any_precision_runs_in_float32(folder: Path) -> None:
    loaded = load(checkpoint_of(folder), precision="float32", report=lambda _: None)
    reference = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    ids = [40313, 481, 307, 262, 717]
    with torch.inference_mode():
        logits = loaded.model.all_logits(ids)
        expected = reference(torch.tensor([ids])).logits[0]
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_the_loaded_model_is_described(tiny_folder: Path) -> None:
    reports: list[Loading] = []
    loaded = load(checkpoint_of(tiny_folder), precision="float32", report=reports.append)
    info = loaded.info
    assert info.name == str(tiny_folder)
    assert info.revision is None
    assert info.parameters == random_model(vocab_size=50257, n_positions=320).num_parameters()
    assert (info.layers, info.heads, info.width, info.context, info.vocabulary) == (2, 2, 16, 320, 50257)
    assert (info.precision, info.device, info.threads) == ("float32", "cpu", torch.get_num_threads())
    assert 10**7 < info.memory < 10**10
    identity = checkpoint_of(tiny_folder).identity
    assert info.fingerprint == fingerprint(identity, precision="float32")
    assert info.fingerprint.ends == (50256,)
    assert reports == [
        Loading("reading weights", 0, 0, "B"),
        Loading("packing weights", 1, 2, "layers"),
        Loading("packing weights", 2, 2, "layers"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("precision", get_args(Precision))
def test_a_model_is_loaded_in_the_precision_that_was_asked_for(
    tiny_folder: Path, precision: Precision
) -> None:
    loaded = load(checkpoint_of(tiny_folder), precision=precision, report=lambda _: None)
    assert loaded.info.precision == loaded.model.precision == precision


def computed(loaded: LoadedModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and numbers that tokens are drawn by."""
    with torch.inference_mode():
        return loaded.model.all_logits(IDS), loaded.sampling.variates(Twister(7), 100)


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("precision", get_args(Precision))
def test_a_second_start_reads_what_the_first_one_packed(
    tmp_path: Path, precision: Precision, tied: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    random_model(vocab_size=50257, n_positions=40, tie_word_embeddings=tied).save_pretrained(tmp_path)
    capsys.readouterr()
    checkpoint, files = checkpoint_of(tmp_path), PackedFiles(tmp_path / "kept")
    first = load(checkpoint, precision=precision, report=lambda _: None, files=files)
    first.keep()
    # Nothing else is read.
    (tmp_path / "model.safetensors").unlink()
    reports: list[Loading] = []
    second = load(checkpoint, precision=precision, report=reports.append, files=files)
    assert reports == [Loading("reading weights", 0, 0, "B")]
    for got, expected in zip(computed(second), computed(first), strict=True):
        assert torch.equal(got, expected)
    assert replace(second.info, memory=0) == replace(first.info, memory=0)
    assert first.settled is None
    assert second.settled is not None
    assert torch.equal(computed(replaced(second, model=second.settled()))[0], computed(first)[0])
    (kept,) = files.folder.iterdir()
    written = kept.stat().st_mtime_ns
    second.keep()
    assert kept.stat().st_mtime_ns == written
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_what_one_kind_of_processor_packed_is_not_for_another(copied: Path, tmp_path: Path) -> None:
    files = PackedFiles(tmp_path / "kept")
    limits: tuple[Limit | None, ...] = (None, "x86-64")
    for limit in limits:
        loaded = load(
            checkpoint_of(copied),
            precision="int8",
            report=lambda _: None,
            processor=this_processor(limit),
            files=files,
        )
        loaded.keep()
    assert len(list(files.folder.iterdir())) == 2


def test_the_fingerprint_depends_on_everything_that_can_change_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(identity: str = "a", precision: Precision = "float32") -> str:
        return str(fingerprint(identity, precision=precision))

    seen = [of(), of(), of("b"), of(precision="bfloat16"), of(precision="int8")]
    with monkeypatch.context() as patch:
        patch.setattr("bot.model.worker.loading.ENGINE_VERSION", -1)
        seen.append(of())
    assert len(set(seen)) == len(seen) - 1
    assert all(len(digits) == 12 and int(digits, 16) >= 0 for digits in seen)


def test_the_fingerprint_is_the_same_on_another_processor_and_with_another_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = fingerprint("a", precision="int8")
    monkeypatch.setattr("torch.__version__", "0")
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "ABACUS")
    assert fingerprint("a", precision="int8") == here
    assert set(here.stored()) == {"weights", "precision", "engine"}


def test_the_fingerprint_is_the_same_with_any_number_of_threads() -> None:
    with torch_threads(2):
        expected = fingerprint("a", precision="float32")
    with torch_threads(3):
        assert fingerprint("a", precision="float32") == expected


def test_a_missing_tensor_is_refused_and_not_initialized(copied: Path) -> None:
    file = copied / "model.safetensors"
    tensors = load_file(file)
    (name,) = [name for name in tensors if name.endswith("h.1.mlp.c_fc.weight")]
    del tensors[name]
    save_file(tensors, file, metadata={"format": "pt"})
    assert refused(copied) == ("failed", f"its weights are incomplete: {name} is missing.")


def test_weights_of_another_shape_than_configured_are_refused(copied: Path) -> None:
    config = (copied / "config.json").read_text(encoding="utf-8")
    (copied / "config.json").write_text(config.replace('"n_embd": 16', '"n_embd": 32'), encoding="utf-8")
    reason, detail = refused(copied)
    assert reason == "failed"
    assert detail.startswith("its weights cannot be read")


def test_a_truncated_file_is_refused(copied: Path) -> None:
    file = copied / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    reason, detail = refused(copied)
    assert reason == "failed"
    assert detail.startswith("its weights cannot be read")


IDS = [40313, 481, 307, 262, 717]
VOCABULARY = 50_257


def logits(folder: Path) -> torch.Tensor:
    loaded = load(checkpoint_of(folder), precision="float32", report=lambda _: None)
    with torch.inference_mode():
        return loaded.model.all_logits(IDS[: loaded.model.context])


def logits_of_transformers(folder: Path) -> torch.Tensor:
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    with torch.inference_mode():
        got: torch.Tensor = model(torch.tensor([IDS[: model.config.n_positions]])).logits[0]
    return got


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        {"n_positions": 1},
        {"n_positions": 200_000, "n_embd": 2},
        {"n_embd": 400, "n_head": 1, "n_inner": 1},
        {"scale_attn_weights": False},
        {"scale_attn_by_inverse_layer_idx": True},
        {"reorder_and_upcast_attn": True},
        {"activation_function": "gelu_pytorch_tanh"},
        {"tie_word_embeddings": False},
        {"layer_norm_epsilon": 0.0},
        {"eos_token_id": [0, 50256]},
    ],
    ids=str,
)
def test_an_odd_shape_computes_what_transformers_does(tmp_path: Path, config: dict[str, Any]) -> None:
    random_model(**{"vocab_size": VOCABULARY, "n_positions": 32, **config}).save_pretrained(tmp_path)
    expected = logits_of_transformers(tmp_path)
    torch.testing.assert_close(logits(tmp_path), expected, atol=1e-4, rtol=1e-5)


def renamed(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


def with_masks(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    masks = {"transformer.h.0.attn.bias": torch.ones(1, 1, 320, 320, dtype=torch.uint8)}
    return tensors | masks | {"transformer.h.0.attn.masked_bias": torch.tensor(-1e4)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        with_masks,
        lambda tensors: {key.removeprefix("transformer."): tensor for key, tensor in tensors.items()},
        lambda tensors: tensors | {"lm_head.weight": tensors["transformer.wte.weight"].clone()},
        lambda tensors: {
            key.replace("transformer.wte", "lm_head"): tensor for key, tensor in tensors.items()
        },
        lambda tensors: {key: tensor.double() for key, tensor in tensors.items()},
    ],
    ids=["old masks", "base model", "head beside embedding", "head instead of embedding", "float64"],
)
def test_the_same_weights_in_another_format_give_the_same_bits(
    copied: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
) -> None:
    expected = logits(copied)
    renamed(copied, change)
    loaded = load(checkpoint_of(copied), precision="float32", report=lambda _: None)
    with torch.inference_mode():
        assert torch.equal(loaded.model.all_logits(IDS), expected)
    assert loaded.info.parameters == random_model(vocab_size=VOCABULARY, n_positions=320).num_parameters()


@pytest.mark.slow
def test_a_head_that_differs_from_the_embedding_is_used_as_in_transformers(copied: Path) -> None:
    tied = logits(copied)
    renamed(copied, lambda tensors: tensors | {"lm_head.weight": tensors["transformer.wte.weight"].flip(0)})
    assert not torch.equal(logits(copied), tied)
    torch.testing.assert_close(logits(copied), logits_of_transformers(copied), atol=1e-4, rtol=1e-5)


def test_weights_that_become_infinite_as_float32_are_refused(copied: Path) -> None:
    renamed(
        copied,
        lambda tensors: tensors | {"transformer.ln_f.bias": torch.full((16,), 1e300, dtype=torch.float64)},
    )
    assert refused(copied) == (
        "failed",
        "its weights are spoilt: transformer.ln_f.bias has numbers that are NaN or infinite.",
    )


@pytest.mark.slow
def test_the_largest_numbers_of_float32_are_numbers(copied: Path) -> None:
    largest = torch.full((16,), torch.finfo(torch.float32).max)
    renamed(copied, lambda tensors: tensors | {"transformer.h.1.ln_2.bias": largest})
    load(checkpoint_of(copied), precision="float32", report=lambda _: None)


@pytest.mark.slow
def test_weights_in_several_files_are_read_from_all_of_them(copied: Path) -> None:
    expected = logits(copied)
    model = GPT2LMHeadModel.from_pretrained(copied, dtype=torch.float16)
    (copied / "model.safetensors").unlink()
    model.save_pretrained(copied, max_shard_size="1MB")
    assert len(list(copied.glob("*.safetensors"))) > 1
    assert torch.equal(logits(copied), expected)


def test_a_variant_that_the_engine_does_not_compute_is_refused(copied: Path) -> None:
    config = (copied / "config.json").read_text(encoding="utf-8")
    (copied / "config.json").write_text(config.replace('"gelu_new"', '"relu"'), encoding="utf-8")
    assert refused(copied) == (
        "not_gpt2",
        "it is a GPT-2 variant that is not supported: the activation 'relu' is not GPT-2's.",
    )
