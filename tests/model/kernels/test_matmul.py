from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from llvmlite import ir
from torch import Tensor

from bot.model.gpt2.linear import FloatLinear, Int8Linear, Products
from bot.model.kernels.jit import Machine, Processor, this_processor
from bot.model.kernels.matmul import Kind, write_products
from bot.model.kernels.pack import write_prepare
from tests.model.kernels.conftest import narrow


def products(kind: Kind, processor: Processor) -> Products:
    module = ir.Module()
    write_prepare(module, kind)
    write_products(module, kind, processor)
    return Products(Machine(module, processor), processor)


@pytest.mark.parametrize(("rows", "vectors"), [(1, 1), (3, 2), (5, 1), (4, 3), (12, 2)])
@pytest.mark.parametrize("kind", ["float32", "bfloat16", "int8"])
def test_the_bits_do_not_depend_on_the_shape_of_the_tiles(kind: Kind, rows: int, vectors: int) -> None:
    here = this_processor()
    if not {"float32": True, "bfloat16": here.multiplies_bfloat16, "int8": here.multiplies_bytes}[kind]:
        pytest.skip(f"this processor does not compute {kind}")
    assert torch.equal(computed(kind, replace(here, rows=rows, vectors=vectors)), computed(kind, here))


def test_nor_do_those_of_float32_on_the_width_of_the_registers() -> None:
    assert torch.equal(computed("float32", narrow()), computed("float32", this_processor()))


def test_an_output_is_one_chain_from_the_bias_over_the_inputs_in_order() -> None:
    generator = torch.Generator().manual_seed(1)
    weight, bias = torch.randn(20, 37, generator=generator), torch.randn(20, generator=generator)
    x = torch.randn(3, 37, generator=generator)
    chain = bias.expand(3, 20)
    for n in range(37):
        # The product of two float32 is exact in float64; and the sum is rounded
        # twice, which gives other bits than once in about one of 2^29 cases.
        chain = (chain.double() + x[:, n : n + 1].double() * weight[:, n].double()).float()
    layer = FloatLinear(products("float32", this_processor()), weight, bias)
    assert torch.equal(layer(x), chain)


def computed(kind: Kind, processor: Processor) -> Tensor:
    """A layer with GELU of odd shape over an odd number of rows."""
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(83, 70, generator=generator), torch.randn(83, generator=generator)
    x = torch.randn(31, 70, generator=generator)
    made = products(kind, processor)
    if kind == "int8":
        return Int8Linear(made, weight, bias, "gelu_tanh")(x)
    dtype = torch.bfloat16 if kind == "bfloat16" else torch.float32
    return FloatLinear(made, weight, bias, "gelu_tanh", dtype=dtype)(x)
