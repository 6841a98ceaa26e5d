"""Kernels built for a test, and the processors they are compiled for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from llvmlite import ir
from torch import Tensor

from bot.model.kernels.arguments import Arguments, Float32s, Float64s, Int32s, Signature
from bot.model.kernels.builder import DOUBLES, FLOATS, LANES, KernelBuilder, KernelModule
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import Processor, this_processor

Vector = Callable[[Tensor], Tensor]


@dataclass(kw_only=True)
class VectorArguments(Arguments):
    x: Float32s
    out: Float32s


@dataclass(kw_only=True)
class DoubleArguments(Arguments):
    x: Float64s
    out: Float64s


@dataclass(kw_only=True)
class CountArguments(Arguments):
    """The arguments of kernels that write ``count`` integers."""

    out: Int32s
    count: int


VECTOR = Signature("vector", VectorArguments)
DOUBLE_VECTOR = Signature("double_vector", DoubleArguments)


def vector_function(build: Callable[[KernelBuilder[VectorArguments], ir.Value], ir.Value]) -> Vector:
    """What ``build`` builds for one vector, as a function of a tensor of ``LANES`` numbers."""
    module = KernelModule()
    kernel = KernelBuilder(module, VECTOR)
    x = kernel.load(FLOATS, kernel.arguments.x, kernel.index(0))
    kernel.store(build(kernel, x), kernel.arguments.out, kernel.index(0))
    kernel.finish()
    kernels = Kernels.compiled(module, this_processor())

    def apply(x: Tensor) -> Tensor:
        out = torch.empty(LANES)
        kernels.run(kernels.kernel(VECTOR).call(VectorArguments(x=x, out=out)))
        return out

    return apply


def double_function(build: Callable[[KernelBuilder[DoubleArguments], ir.Value], ir.Value]) -> Vector:
    """As ``vector_function``, in double precision."""
    module = KernelModule()
    kernel = KernelBuilder(module, DOUBLE_VECTOR)
    x = kernel.load(DOUBLES, kernel.arguments.x, kernel.index(0))
    kernel.store(build(kernel, x), kernel.arguments.out, kernel.index(0))
    kernel.finish()
    kernels = Kernels.compiled(module, this_processor())

    def apply(x: Tensor) -> Tensor:
        out = torch.empty(LANES, dtype=torch.float64)
        kernels.run(kernels.kernel(DOUBLE_VECTOR).call(DoubleArguments(x=x, out=out)))
        return out

    return apply


@pytest.fixture(params=["this", "avx2"])
def processor(request: pytest.FixtureRequest) -> Processor:
    return this_processor(None if request.param == "this" else request.param)
