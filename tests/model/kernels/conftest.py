"""Functions written for a test, and the processors they are compiled for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from llvmlite import ir
from torch import Tensor

from bot.model.kernels.builder import FLOATS, LANES, Code
from bot.model.kernels.jit import Call, Machine, Processor, this_processor

Vector = Callable[[Tensor], Tensor]


def narrow() -> Processor:
    """This processor, as if its registers were half as wide and half as many."""
    features = f"{this_processor().features},-avx512f"
    return replace(
        this_processor(),
        features=features,
        rows=5,
        vectors=1,
        multiplies_bfloat16=False,
        multiplies_bytes=False,
    )


def vector_function(write: Callable[[Code, ir.Value], ir.Value]) -> Vector:
    """What ``write`` writes for one vector, as a function of a tensor of ``LANES`` numbers."""
    module = ir.Module()
    code = Code(module, "vector", 2)
    x = code.load(FLOATS, code.pointer(0), code.word(0))
    code.store(write(code, x), code.pointer(1), code.word(0))
    code.finish()
    machine = Machine(module, this_processor())

    def apply(x: Tensor) -> Tensor:
        out = torch.empty(LANES)
        machine.run(Call(machine.address("vector"), (x.data_ptr(), out.data_ptr())))
        return out

    return apply


@pytest.fixture(params=[this_processor, narrow], ids=["this", "narrow"])
def processor(request: pytest.FixtureRequest) -> Processor:
    made: Processor = request.param()
    return made
