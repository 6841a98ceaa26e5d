from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import llvmlite.binding as llvm
import pytest
import torch

from bot.model.kernels.processor import Processor, processor_of, this_processor


def test_a_processor_has_what_its_features_list() -> None:
    processor = processor_of("generic", {"avx2": True, "fma": True, "avx512f": False})
    assert processor.features == "+avx2,-avx512f,+fma"
    assert processor.has()
    assert processor.has("avx2", "fma")
    assert not processor.has("avx2", "avx512f")
    assert not processor.has("dotprod")


@pytest.mark.parametrize(
    ("features", "rows", "vectors"), [("avx2 avx512f", 12, 2), ("avx2", 6, 1), ("neon", 6, 1), ("", 2, 1)]
)
def test_the_sums_of_a_tile_fit_into_the_registers(features: str, rows: int, vectors: int) -> None:
    processor = processor_of("generic", dict.fromkeys(features.split(), True))
    assert (processor.rows, processor.vectors) == (rows, vectors)


def seen(monkeypatch: pytest.MonkeyPatch, features: dict[str, bool], torch_s: Mapping[str, Any]) -> Processor:
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: torch_s)
    return this_processor()


def test_arm_s_dot_products_are_found_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    arm = seen(monkeypatch, {"neon": True}, {"architecture": "arm64", "dot": True, "i8mm": False})
    assert arm.has("neon", "dotprod")
    assert not arm.has("i8mm")
    assert not seen(monkeypatch, {}, {"architecture": "arm64"}).has("dotprod")


def test_a_limit_takes_instructions_away(monkeypatch: pytest.MonkeyPatch) -> None:
    features = dict.fromkeys(("sse2", "sse3", "fma", "avx2", "avxvnni", "avx512f", "avx512vnni"), True)
    monkeypatch.setattr(llvm, "get_host_cpu_features", lambda: features)
    assert this_processor().has(*features)
    assert this_processor("avx512").has("avx512f", "avx2")
    assert not this_processor("avx512").has("avx512vnni")
    assert this_processor("avxvnni").has("avx2", "avxvnni")
    assert not this_processor("avxvnni").has("avx512f")
    assert this_processor("avx2").has("avx2", "fma")
    assert not this_processor("avx2").has("avxvnni")
    assert this_processor("x86-64").has("sse2")
    assert not any(map(this_processor("x86-64").has, ("sse3", "fma", "avx2")))
