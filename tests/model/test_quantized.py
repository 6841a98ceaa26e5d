from __future__ import annotations

import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from bot.model.linear import Activation
from bot.model.quantized import QuantizedLinear, quantization_available
from tests.model.driving import torch_threads

pytestmark = pytest.mark.skipif(
    not quantization_available(), reason="this processor does not multiply bytes as int8 needs it"
)

# [in, out]; widths that fill vector registers and widths that do not.
SHAPES = [(16, 48), (12, 36), (64, 16), (384, 1152), (640, 97), (1, 5), (16, 50257)]


def weights(inputs: int, outputs: int, *, transposed: bool = True) -> tuple[Tensor, Tensor]:
    # Transposed in memory, as transformers' Conv1D keeps them; the vocabulary's table is not.
    weight = torch.randn(inputs, outputs).t() if transposed else torch.randn(outputs, inputs)
    return weight, torch.randn(outputs)


def bound(x: Tensor, weight: Tensor) -> Tensor:
    """How far rounding can move a result: each number of x and of the weight by half a step."""
    x, weight = x.double(), weight.double()
    x_step, w_step = x.abs().amax(1, keepdim=True) / 127, weight.abs().amax(1, keepdim=True) / 127
    x_sums, w_sums = x.abs().sum(1, keepdim=True), weight.abs().sum(1, keepdim=True)
    both = x.size(1) * x_step * w_step.t() / 4
    return 1.001 * (x_sums * w_step.t() / 2 + x_step * w_sums.t() / 2 + both) + 1e-4


@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_layer_errs_by_no_more_than_the_rounding_of_its_numbers(
    inputs: int, outputs: int, transposed: bool
) -> None:
    weight, bias = weights(inputs, outputs, transposed=transposed)
    x = torch.randn(7, inputs) * torch.tensor([[0.0], [1e-20], [0.01], [1.0], [1.0], [30.0], [1e6]])
    exact = functional.linear(x.double(), weight.double(), bias.double())
    assert ((QuantizedLinear(weight, bias)(x) - exact).abs() <= bound(x, weight) + exact.abs() * 1e-6).all()


@pytest.mark.parametrize("transposed", [True, False])
def test_on_average_it_errs_by_a_percent(transposed: bool) -> None:
    weight, bias = weights(384, 1152, transposed=transposed)
    x = torch.randn(20, 384)
    exact = functional.linear(x, weight, bias)
    assert (QuantizedLinear(weight, bias)(x) - exact).std() < 0.015 * exact.std()


def test_whole_numbers_that_fit_are_exact() -> None:
    weight = torch.randint(-127, 128, (40, 30)).float()
    x = torch.randint(-127, 128, (9, 30)).float()
    weight[:, 0] = x[:, 0] = 127
    assert torch.allclose(QuantizedLinear(weight, None)(x), x @ weight.t(), rtol=1e-6, atol=0.01)


def test_the_activation_is_gelu_of_the_sum() -> None:
    weight, bias = weights(48, 96)
    x = torch.randn(9, 48)
    plain, active = QuantizedLinear(weight, bias)(x), QuantizedLinear(weight, bias, "gelu_tanh")(x)
    torch.testing.assert_close(active, functional.gelu(plain, approximate="tanh"), atol=1e-5, rtol=1e-5)


def test_rows_and_outputs_of_nothing_but_zeros_give_the_bias() -> None:
    weight, bias = weights(16, 8)
    weight[3] = 0
    layer = QuantizedLinear(weight, bias)
    assert torch.equal(layer(torch.zeros(2, 16)), bias.expand(2, 8))
    assert torch.equal(layer(torch.randn(5, 16))[:, 3], bias[3].expand(5))


@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_row_has_the_same_bits_however_many_rows_come_with_it(
    inputs: int, outputs: int, activation: Activation
) -> None:
    layer = QuantizedLinear(*weights(inputs, outputs), activation)
    x = torch.randn(300 if outputs < 10_000 else 20, inputs)
    together = layer(x)
    for rows in (1, 2, 4, 5, 8, 13, 64, 256):
        for first in (0, 3):
            part = slice(first, min(first + rows, len(x)))
            assert torch.equal(layer(x[part]), together[part]), (rows, first)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("value", [1e30, torch.inf, torch.nan])
def test_a_huge_number_blunts_its_own_row_alone(value: float, threads: int) -> None:
    layer = QuantizedLinear(*weights(64, 200), "gelu_tanh")
    x = torch.randn(20, 64)
    with torch_threads(threads):
        expected = layer(x)
        x[7, 5] = value
        got = layer(x)
    others = torch.arange(20) != 7
    assert torch.equal(got[others], expected[others])
    assert not torch.equal(got[7], expected[7])
    assert got[7].isfinite().all() == (value < torch.inf)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_it_errs_by_no_more_in_any_shape(inputs: int, outputs: int, rows: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(inputs, outputs, generator=generator).t()
    x = torch.randn(rows, inputs, generator=generator)
    result = QuantizedLinear(weight, None)(x)
    assert ((result - x.double() @ weight.t().double()).abs() <= bound(x, weight)).all()


def test_the_input_is_left_as_it_was_and_the_weight_and_bias_are_let_go() -> None:
    weight, bias = weights(16, 8)
    watched = weakref.ref(weight)
    layer = QuantizedLinear(weight, bias)
    x = torch.randn(4, 16)
    before, result = x.clone(), layer(x)
    bias.zero_()
    del weight
    assert watched() is None
    assert torch.equal(x, before)
    assert torch.equal(layer(x), result)
