"""Weights come from a pinned source and are nothing but numbers."""

from __future__ import annotations

import ast
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from bot.model.checkpoint.find import PINNED_REVISIONS, find
from bot.model.checkpoint.refusal import ModelRefused
from bot.model.model_info import GPT2_LARGE
from bot.model.worker.loading import LoadedModel, load
from tests.model.conftest import DEMO_MODEL
from tests.support.offline import guarded

ROOT = Path(__file__).parents[3]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
INDEX = "model.safetensors.index.json"


class Intruder:
    """An object whose unpickling leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.mark),))


@pytest.fixture
def copied(tiny_folder: Path, tmp_path: Path) -> Path:
    """The tiny model in a folder that the test may spoil."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """It is there once foreign code has run."""
    return tmp_path / "mark"


def read(folder: Path) -> LoadedModel:
    checkpoint = find(str(folder), revision=None, report=lambda _: None)
    return load(checkpoint, precision="float32", report=lambda _: None)


def refused(folder: Path) -> str:
    with pytest.raises(ModelRefused) as caught:
        read(folder)
    return caught.value.detail


def list_shards(folder: Path, *names: str) -> None:
    weights = {f"tensor {number}": name for number, name in enumerate(names)}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weights}), encoding="utf-8")


def test_executed_code_would_leave_a_mark(mark: Path) -> None:
    pickle.loads(pickle.dumps(Intruder(mark)))  # noqa: S301 - it is ours
    assert mark.exists()


def test_a_pickled_checkpoint_is_refused_unread(copied: Path, mark: Path) -> None:
    (copied / "model.safetensors").unlink()
    torch.save({"transformer.wte.weight": Intruder(mark)}, copied / "pytorch_model.bin")

    assert "no model.safetensors (weights in other formats are not read)" in refused(copied)
    assert not mark.exists()


def test_a_pickle_under_the_name_of_safetensors_is_refused_unread(copied: Path, mark: Path) -> None:
    torch.save({"transformer.wte.weight": Intruder(mark)}, copied / "model.safetensors")

    assert "its weights cannot be read" in refused(copied)
    assert not mark.exists()


@pytest.mark.parametrize(
    "shard", ["pytorch_model-1.bin", "../model.safetensors", "/x/model.safetensors", "", "."]
)
def test_an_index_that_lists_anything_else_is_refused_unread(copied: Path, mark: Path, shard: str) -> None:
    (copied / "model.safetensors").rename(copied / "model-1.safetensors")
    list_shards(copied, "model-1.safetensors", shard)
    torch.save({"transformer.wte.weight": Intruder(mark)}, copied / "pytorch_model-1.bin")

    assert f"lists {shard!r}, which is no safetensors file beside it" in refused(copied)
    assert not mark.exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"weight_map": 1}', "{}"])
def test_an_invalid_index_is_refused(copied: Path, text: str) -> None:
    (copied / INDEX).write_text(text, encoding="utf-8")

    assert f"its {INDEX} cannot be read" in refused(copied)


@pytest.mark.slow
def test_code_beside_the_weights_is_not_run(copied: Path, mark: Path) -> None:
    (copied / "modeling.py").write_text(f"import os; os.mkdir({str(mark)!r})", encoding="utf-8")
    config = json.loads((copied / "config.json").read_text(encoding="utf-8"))
    config["auto_map"] = {"AutoModelForCausalLM": "modeling.Model", "AutoConfig": "modeling.Config"}
    (copied / "config.json").write_text(json.dumps(config), encoding="utf-8")

    assert read(copied).info.layers == 2
    assert not mark.exists()


# Entries of config.json with which transformers, its extensions and the hub's libraries load code,
# kernels, quantizers or adapters. A model that is only numbers needs none of them.
TEMPTING = {
    "auto_map": {"AutoConfig": "modeling.Config", "AutoModelForCausalLM": "someone/else--modeling.Model"},
    "custom_pipelines": {"text-generation": {"impl": "modeling.Pipeline", "pt": ["AutoModel"]}},
    "trust_remote_code": True,
    "attn_implementation": "someone/kernels:attention",
    "_attn_implementation": "kernels-community/flash-attn",
    "_attn_implementation_internal": "someone/kernels",
    "experts_implementation": "someone/kernels",
    "use_kernels": True,
    "allow_all_kernels": True,
    "kernel_config": {"kernel_mapping": {"RMSNorm": "someone/kernels:RMSNorm"}},
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True},
    "compression_config": {"quant_method": "compressed-tensors"},
    "dtype": "modeling.dtype",
    "torch_dtype": "float8_e4m3fn",
    "torchscript": True,
    "output_attentions": True,
    "pruned_heads": {"0": [1]},
    "_name_or_path": "someone/else",
    "base_model_name_or_path": "someone/else",
    "model_id": "someone/else",
    "tokenizer_class": "modeling.Tokenizer",
    "transformers_weights": "someone-else.bin",
    "transformers_version": "99.0.0",
    "sub_configs": {"text_config": {"auto_map": {"AutoConfig": "modeling.Config"}}},
    "an_entry_of_tomorrow": {"import": "modeling"},
}

READS = """
import sys
from bot.model.checkpoint.find import find
from bot.model.worker.loading import load

checkpoint = find(sys.argv[1], revision=None, report=lambda _: None)
loaded = load(checkpoint, precision="float32", report=lambda _: None)
print(loaded.model.all_logits([40313, 481]).double().sum().item())
print({"peft", "kernels", "modeling"} & set(sys.modules))
"""


@pytest.mark.slow
def test_no_configuration_runs_code_or_uses_the_network(copied: Path, mark: Path, tmp_path: Path) -> None:
    plain = read(copied).model.all_logits([40313, 481]).double().sum().item()
    config = json.loads((copied / "config.json").read_text(encoding="utf-8"))
    (copied / "config.json").write_text(json.dumps(config | TEMPTING), encoding="utf-8")
    adapter = {
        "base_model_name_or_path": "someone/else",
        "peft_type": "LORA",
        "auto_mapping": TEMPTING["auto_map"],
    }
    (copied / "adapter_config.json").write_text(json.dumps(adapter), encoding="utf-8")
    generation = {"custom_generate": str(copied), "trust_remote_code": True}
    (copied / "generation_config.json").write_text(json.dumps(generation), encoding="utf-8")
    for place in ("modeling.py", "custom_generate/generate.py", "__init__.py", "conftest.py"):
        (copied / place).parent.mkdir(exist_ok=True)
        (copied / place).write_text(f"import os; os.mkdir({str(mark)!r})", encoding="utf-8")

    with guarded(tmp_path, HF_HOME=str(tmp_path / "home")) as (environment, attempts):
        answer = subprocess.run(
            [sys.executable, "-c", READS, str(copied)],
            cwd=copied,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    assert answer.stdout.splitlines() == [str(plain), "set()"], answer.stderr
    assert attempts() == []
    assert not mark.exists()
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
def test_no_model_is_loaded_by_transformers() -> None:
    asking = [
        place
        for place, call in calls()
        if ast.unparse(call.func).endswith((".from_pretrained", ".from_config", "pipeline"))
        and not place.startswith("bot/training/")  # which reads files that it made itself
    ]
    assert asking == []


def test_the_default_model_is_pinned_to_one_commit() -> None:
    assert PINNED_REVISIONS == {GPT2_LARGE: "32b71b12589c2f8d625668d2335a01cac3249519"}
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for revision in PINNED_REVISIONS.values())


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call in the bot's own code, and where it is."""
    for folder in ("bot", "cogs"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", node


@pytest.mark.slow
def test_no_code_of_a_model_is_allowed_and_no_pickle_is_read() -> None:
    allowing = [
        place
        for place, call in calls()
        if any(keyword.arg == "trust_remote_code" for keyword in call.keywords)
        or (
            ast.unparse(call.func) in {"torch.load", "pickle.load", "pickle.loads"}
            and "weights_only=True" not in ast.unparse(call)
        )
    ]
    assert allowing == []


LOADS = """
from bot.model.checkpoint.find import find
from bot.model.worker.loading import load

checkpoint = find("someone/tiny", revision=None, report=print)
print(load(checkpoint, precision="float32", report=lambda _: None).info.revision)
"""


@pytest.mark.slow
def test_a_cached_model_is_loaded_without_a_connection(tmp_path: Path, tiny_folder: Path) -> None:
    base = tmp_path / "home" / "hub" / "models--someone--tiny"
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    shutil.copytree(tiny_folder, base / "snapshots" / COMMIT)
    shutil.copy(DEMO_MODEL / "tokenizer.json", base / "snapshots" / COMMIT)

    with guarded(tmp_path, HF_HOME=str(tmp_path / "home")) as (environment, attempts):
        loaded = subprocess.run(
            [sys.executable, "-c", LOADS], env=environment, capture_output=True, text=True, check=False
        )

    assert loaded.stdout.splitlines()[-1:] == [COMMIT], loaded.stderr
    assert attempts() == []
