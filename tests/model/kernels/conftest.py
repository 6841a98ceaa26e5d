"""Kernels built for a test, and the processors they are compiled for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from llvmlite import ir
from torch import Tensor

from bot.model.kernels.arguments import Arguments, Float32s, Int32s, Signature
from bot.model.kernels.builder import FLOATS, LANES, KernelBuilder, KernelModule
from bot.model.kernels.jit import Kernels, Processor, this_processor

Vector = Callable[[Tensor], Tensor]


@dataclass(kw_only=True)
class VectorArguments(Arguments):
    x: Float32s
    out: Float32s


@dataclass(kw_only=True)
class CountArguments(Arguments):
    """The arguments of kernels that write ``count`` integers."""

    out: Int32s
    count: int


VECTOR = Signature("vector", VectorArguments)


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


def vector_function(build: Callable[[KernelBuilder[VectorArguments], ir.Value], ir.Value]) -> Vector:
    """What ``build`` builds for one vector, as a function of a tensor of ``LANES`` numbers."""
    module = KernelModule()
    kernel = KernelBuilder(module, VECTOR)
    x = kernel.load(FLOATS, kernel.arguments.x, kernel.index(0))
    kernel.store(build(kernel, x), kernel.arguments.out, kernel.index(0))
    kernel.finish()
    kernels = Kernels(module, this_processor())

    def apply(x: Tensor) -> Tensor:
        out = torch.empty(LANES)
        kernels.run(kernels.kernel(VECTOR).call(VectorArguments(x=x, out=out)))
        return out

    return apply


@pytest.fixture(params=[this_processor, narrow], ids=["this", "narrow"])
def processor(request: pytest.FixtureRequest) -> Processor:
    made: Processor = request.param()
    return made
