from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bot.model.kernels.processor import Processor, this_processor
from bot.model.model_info import Precision
from tests.support.layers import layer_of, matmul_of


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "vectors"), [(1, 1), (3, 2), (5, 1), (4, 3), (12, 2)])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_the_bits_do_not_depend_on_the_shape_of_a_tile(precision: Precision, rows: int, vectors: int) -> None:
    here = this_processor()
    assert torch.equal(
        computed(precision, replace(here, rows=rows, vectors=vectors)), computed(precision, here)
    )


@pytest.mark.slow
def test_an_output_is_one_chain_from_the_bias_over_the_inputs_in_order() -> None:
    generator = torch.Generator().manual_seed(1)
    weight, bias = torch.randn(20, 37, generator=generator), torch.randn(20, generator=generator)
    x = torch.randn(3, 37, generator=generator)
    chain = bias.expand(3, 20)
    for n in range(37):
        # The product of two float32 is exact in float64. The sum is rounded twice, which differs
        # from rounding once in about one of 2^29 cases.
        chain = (chain.double() + x[:, n : n + 1].double() * weight[:, n].double()).float()
    layer = layer_of(matmul_of("float32", this_processor()), weight, bias, "none")
    assert torch.equal(layer(x), chain)


def computed(precision: Precision, processor: Processor) -> Tensor:
    """A layer with GELU of odd shape over an odd number of rows."""
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(83, 70, generator=generator), torch.randn(83, generator=generator)
    x = torch.randn(31, 70, generator=generator)
    return layer_of(matmul_of(precision, processor), weight, bias)(x)
