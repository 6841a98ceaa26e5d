"""Kernels built for a test, and the processors they are compiled for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
    return _function(VECTOR, FLOATS, torch.float32, build)


def double_function(build: Callable[[KernelBuilder[DoubleArguments], ir.Value], ir.Value]) -> Vector:
    """As ``vector_function``, in double precision."""
    return _function(DOUBLE_VECTOR, DOUBLES, torch.float64, build)


def _function(
    signature: Signature[Any], kind: ir.Type, dtype: torch.dtype, build: Callable[[Any, ir.Value], ir.Value]
) -> Vector:
    module = KernelModule()
    kernel = KernelBuilder(module, signature)
    x = kernel.load(kind, kernel.arguments.x, kernel.index(0))
    kernel.store(build(kernel, x), kernel.arguments.out, kernel.index(0))
    kernel.finish()
    kernels = Kernels.compiled(module, this_processor())

    def apply(x: Tensor) -> Tensor:
        out = torch.empty(LANES, dtype=dtype)
        kernels.run(kernels.kernel(signature).call(signature.arguments(x=x, out=out)))
        return out

    return apply


@pytest.fixture(params=["this", "avx2"])
def processor(request: pytest.FixtureRequest) -> Processor:
    return this_processor(None if request.param == "this" else request.param)
