"""Every kind of processor computes the same logits, draws and reports, to the bit."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import get_args

import pytest
import torch

from bot.model.gpt2.transformer import GPT2
from bot.model.kernels.builder import KernelModule
from bot.model.kernels.jit import optimized
from bot.model.kernels.matmul import write_matmuls
from bot.model.kernels.processor import this_processor
from bot.model.model_info import Precision
from tests.model.conftest import gpt2_of, random_model
from tests.support.driving import sampling_kernels, sampling_kernels_for, some_ids
from tests.support.elsewhere.kernels import Compile, compiler_for
from tests.support.elsewhere.machines import Machine, machines
from tests.support.layers import bits, hard_numbers, layer_of, matmul_of
from tests.support.sampled import sampled

pytestmark = pytest.mark.slow

# An odd head width, inner layers that fill no vector, and a vocabulary that fills no panel.
ODD = {"n_head": 1, "n_embd": 24, "n_inner": 40, "vocab_size": 97}

# The instruction that multiplies int8 there.
INSTRUCTIONS = {
    "AVX-512 without VNNI and BF16": "vpmaddwd",
    "AVX-VNNI": "{vex}\tvpdpbusd",
    "AVX2": "vpmaddwd",
    "x86-64 of 2003": "pmaddwd",
    "Cortex-A72 (Raspberry Pi 4)": "smull",
    "Cortex-A76 (Raspberry Pi 5)": "sdot",
    "Neoverse N1 (Graviton 2)": "sdot",
    "Neoverse V1 (Graviton 3)": "smmla",
}


ALL = machines()
each_machine = pytest.mark.parametrize("machine", ALL, ids=lambda machine: machine.name)


def compiler(machine: Machine, folder: Path) -> Compile:
    if machine.lacking:
        pytest.skip(machine.lacking)
    return compiler_for(machine, folder)


@cache
def here(precision: Precision) -> GPT2:
    return gpt2_of(random_model(**ODD), precision=precision)


@each_machine
@pytest.mark.parametrize("precision", get_args(Precision))
def test_every_machine_computes_the_same_logits(
    machine: Machine, precision: Precision, tmp_path: Path
) -> None:
    there = gpt2_of(
        random_model(**ODD),
        precision=precision,
        processor=machine.processor,
        compile_for=compiler(machine, tmp_path),
    )
    ids = some_ids(40, vocabulary=97)
    assert torch.equal(bits(there.all_logits(ids)), bits(here(precision).all_logits(ids)))


@pytest.mark.parametrize("machine", [one for one in ALL if one.compiler], ids=lambda machine: machine.name)
@pytest.mark.parametrize("precision", get_args(Precision))
def test_every_machine_multiplies_hard_numbers_alike(
    machine: Machine, precision: Precision, tmp_path: Path
) -> None:
    weight, bias, x = hard_numbers(70, 83, rows=9)
    ours = matmul_of(precision, this_processor())
    theirs = matmul_of(precision, machine.processor, compiler(machine, tmp_path))
    for rows in (1, 9):
        expected, got = (layer_of(by, weight, bias)(x[:rows]) for by in (ours, theirs))
        assert torch.equal(bits(got), bits(expected))


@each_machine
def test_every_machine_draws_and_reports_alike(machine: Machine, tmp_path: Path) -> None:
    there = sampling_kernels_for(machine.processor, compiler(machine, tmp_path))
    for vocabulary in (97, 1000):
        assert torch.equal(sampled(there, vocabulary), sampled(sampling_kernels(), vocabulary))


@each_machine
def test_int8_is_multiplied_by_the_machine_s_own_instruction(machine: Machine) -> None:
    module = KernelModule()
    write_matmuls(module, "int8", machine.processor)
    compiled, target = optimized(module, machine.processor)
    assert INSTRUCTIONS[machine.name] in target.emit_assembly(compiled)
