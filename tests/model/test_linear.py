from __future__ import annotations

import platform
import weakref

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bot.model.linear import Activation, PackedLinear, PlainLinear, linear, packing_available

needs_packing = pytest.mark.skipif(not packing_available(), reason="this torch cannot pack weights")

# [in, out]; widths that fill vector registers and widths that do not.
SHAPES = [(16, 48), (16, 64), (12, 36), (64, 16), (384, 1152), (640, 97), (16, 50257)]


def weights(inputs: int, outputs: int) -> tuple[Tensor, Tensor]:
    # Transposed in memory, as transformers' Conv1D keeps them.
    return torch.randn(inputs, outputs).t(), torch.randn(outputs)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN packs on x86")
def test_this_torch_still_has_the_private_operators() -> None:
    assert packing_available(), "torch.ops.mkldnn has lost them: every layer is now the slow PlainLinear"


def test_a_layer_is_packed_where_that_is_possible() -> None:
    expected = PackedLinear if packing_available() else PlainLinear
    assert isinstance(linear(*weights(4, 8)), expected)


@pytest.mark.parametrize("packed", [pytest.param(True, marks=needs_packing), False])
@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_layer_computes_what_functional_linear_does(
    inputs: int, outputs: int, activation: Activation, packed: bool
) -> None:
    weight, bias = weights(inputs, outputs)
    x = torch.randn(5, inputs)
    expected = functional.linear(x, weight, bias)
    if activation == "gelu_tanh":
        expected = functional.gelu(expected, approximate="tanh")
    torch.testing.assert_close(
        linear(weight, bias, activation=activation, packed=packed)(x), expected, atol=1e-4, rtol=1e-5
    )


@needs_packing
@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_packed_layer_gives_a_row_the_same_bits_however_many_rows_come_with_it(
    inputs: int, outputs: int, activation: Activation
) -> None:
    layer = linear(*weights(inputs, outputs), activation=activation)
    x = torch.randn(300 if outputs < 10_000 else 20, inputs)
    together = layer(x)
    for rows in (1, 2, 3, 5, 8, 13, 64, 256):
        for first in (0, 3):
            part = slice(first, min(first + rows, len(x)))
            assert torch.equal(layer(x[part]), together[part]), (rows, first)


@needs_packing
def test_a_packed_layer_lets_go_of_the_weight_it_was_made_from() -> None:
    weight, bias = weights(8, 8)
    watched = weakref.ref(weight)
    layer = linear(weight, bias)
    del weight
    assert watched() is None
    assert layer(torch.ones(1, 8)).shape == (1, 8)
