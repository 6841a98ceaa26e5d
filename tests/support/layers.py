"""Layers for tests, and numbers that are hard to multiply."""

from __future__ import annotations

import torch
from torch import Tensor

from bot.model.gpt2.linear import Activation, Linear, Matmul
from bot.model.kernels.builder import KernelModule
from bot.model.kernels.jit import Kernels
from bot.model.kernels.matmul import write_matmuls
from bot.model.kernels.pack import write_pack
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision
from tests.support.elsewhere.kernels import Compile


def matmul_of(precision: Precision, processor: Processor, compile_for: Compile = Kernels.compiled) -> Matmul:
    module = KernelModule()
    write_pack(module, precision, processor)
    write_matmuls(module, precision, processor)
    return Matmul(compile_for(module, processor), precision, processor)


def layer_of(
    matmul: Matmul, weight: Tensor, bias: Tensor | None, activation: Activation = "gelu_tanh"
) -> Linear:
    outputs, inputs = weight.shape
    return Linear(matmul, matmul.layout.packed(weight, bias), inputs, outputs, activation)


def hard_numbers(inputs: int, outputs: int, rows: int) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, biases and rows of all magnitudes, from the smallest float32 to large ones."""
    generator = torch.Generator().manual_seed(inputs)

    def spread(*shape: int) -> Tensor:
        exponents = torch.randint(-149, 30, shape, generator=generator).double()
        # Most are near 1, as in a model.
        exponents[torch.rand(shape, generator=generator) < 0.7] = 0
        return (torch.randn(shape, generator=generator) * torch.exp2(exponents)).float()

    return spread(outputs, inputs), spread(outputs), spread(rows, inputs)


def bits(numbers: Tensor) -> Tensor:
    """float32 as integers; all NaNs are alike."""
    return numbers.where(~numbers.isnan(), torch.nan).contiguous().view(torch.int32)
