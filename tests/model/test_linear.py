from __future__ import annotations

import platform
import weakref

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from bot.model.linear import FEWEST_ROWS, Activation, PackedLinear, PlainLinear, packing_available

needs_packing = pytest.mark.skipif(not packing_available(), reason="this torch cannot pack weights")


def bfloat16_available() -> bool:
    return packing_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


needs_bfloat16 = pytest.mark.skipif(
    not bfloat16_available(), reason="this processor does not compute bfloat16"
)

# [in, out]; widths that fill vector registers and widths that do not.
SHAPES = [(16, 48), (16, 64), (12, 36), (64, 16), (384, 1152), (640, 97), (16, 50257)]


def weights(inputs: int, outputs: int) -> tuple[Tensor, Tensor]:
    # Transposed in memory, as transformers' Conv1D keeps them.
    return torch.randn(inputs, outputs).t(), torch.randn(outputs)


def activated(x: Tensor, activation: Activation) -> Tensor:
    return x if activation == "none" else functional.gelu(x, approximate="tanh")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN packs on x86")
def test_this_torch_still_has_the_private_operators() -> None:
    assert packing_available(), "torch.ops.mkldnn has lost them: every layer is now the slow PlainLinear"


@pytest.mark.parametrize("kind", [pytest.param(PackedLinear, marks=needs_packing), PlainLinear])
@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_layer_computes_what_functional_linear_does(
    inputs: int, outputs: int, activation: Activation, kind: type[PackedLinear | PlainLinear]
) -> None:
    weight, bias = weights(inputs, outputs)
    x = torch.randn(5, inputs)
    expected = activated(functional.linear(x, weight, bias), activation)
    torch.testing.assert_close(kind(weight, bias, activation)(x), expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("kind", [pytest.param(PackedLinear, marks=needs_bfloat16), PlainLinear])
@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_layer_of_bfloat16_errs_by_the_rounding_of_its_numbers(
    inputs: int, outputs: int, activation: Activation, kind: type[PackedLinear | PlainLinear]
) -> None:
    weight, bias = weights(inputs, outputs)
    x = torch.randn(5, inputs)
    result = kind(weight, bias, activation, dtype=torch.bfloat16)(x)
    assert result.dtype == torch.float32
    exact = functional.linear(x.bfloat16().double(), weight.bfloat16().double(), bias.bfloat16().double())
    torch.testing.assert_close(result.double(), activated(exact, activation), atol=0.02, rtol=2**-7)


@pytest.mark.parametrize(
    "dtype",
    [pytest.param(torch.float32, marks=needs_packing), pytest.param(torch.bfloat16, marks=needs_bfloat16)],
)
@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_packed_layer_gives_a_row_the_same_bits_however_many_rows_come_with_it(
    inputs: int, outputs: int, activation: Activation, dtype: torch.dtype
) -> None:
    layer = PackedLinear(*weights(inputs, outputs), activation, dtype=dtype)
    x = torch.randn(300 if outputs < 10_000 else 20, inputs)
    together = layer(x)
    for rows in (FEWEST_ROWS, 5, 8, 13, 64, 256):
        for first in (0, 3):
            part = slice(first, min(first + rows, len(x)))
            assert torch.equal(layer(x[part]), together[part]), (rows, first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@needs_packing
def test_a_packed_layer_lets_go_of_the_weight_and_the_bias_it_was_made_from(dtype: torch.dtype) -> None:
    if dtype == torch.bfloat16 and not bfloat16_available():
        pytest.skip("this processor does not compute bfloat16")
    weight, bias = weights(8, 8)
    x = torch.ones(FEWEST_ROWS, 8)
    watched = weakref.ref(weight)
    layer = PackedLinear(weight, bias, dtype=dtype)
    before = layer(x)
    bias.zero_()
    del weight
    assert watched() is None
    assert torch.equal(layer(x), before)
