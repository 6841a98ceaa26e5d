from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import cache

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.linear import Activation, Linear, Matmul
from bot.model.kernels.processor import this_processor
from bot.model.model_info import Precision
from tests.support.driving import torch_threads
from tests.support.layers import layer_of, matmul_of

MakeLinear = Callable[..., Linear]

# [in, out]: widths that fill vectors, panels and words, and widths that do not.
SHAPES = [(16, 48), (12, 36), (64, 16), (384, 1152), (640, 97), (1, 5), (16, 50257)]
PRECISIONS: list[Precision] = ["float32", "bfloat16", "int8"]


@cache
def matmul(precision: Precision) -> Matmul:
    return matmul_of(precision, this_processor())


def maker(precision: Precision) -> MakeLinear:
    def make(weight: Tensor, bias: Tensor | None, activation: Activation = "none") -> Linear:
        return layer_of(matmul(precision), weight, bias, activation)

    return make


@pytest.fixture(params=PRECISIONS)
def make(request: pytest.FixtureRequest) -> MakeLinear:
    return maker(request.param)


@pytest.fixture
def make_int8() -> MakeLinear:
    return maker("int8")


def weights(inputs: int, outputs: int, *, transposed: bool = True) -> tuple[Tensor, Tensor]:
    # Transposed in memory, like transformers' Conv1D, unlike the embedding.
    weight = torch.randn(inputs, outputs).t() if transposed else torch.randn(outputs, inputs)
    return weight, torch.randn(outputs)


def activated(x: Tensor, activation: Activation) -> Tensor:
    return x if activation == "none" else functional.gelu(x, approximate="tanh")


@pytest.mark.parametrize("rows", [1, 5, 30])
@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_layer_computes_what_functional_linear_does(
    inputs: int, outputs: int, activation: Activation, rows: int
) -> None:
    weight, bias = weights(inputs, outputs)
    x = torch.randn(rows, inputs)
    expected = activated(functional.linear(x, weight, bias), activation)
    torch.testing.assert_close(maker("float32")(weight, bias, activation)(x), expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_bfloat16_layer_errs_only_by_the_rounding_of_its_operands(
    inputs: int, outputs: int, activation: Activation
) -> None:
    weight, bias = weights(inputs, outputs)
    x = torch.randn(5, inputs)
    result = maker("bfloat16")(weight, bias, activation)(x)
    exact = functional.linear(x.bfloat16().double(), weight.bfloat16().double(), bias.double())
    torch.testing.assert_close(result.double(), activated(exact, activation), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("activation", ["none", "gelu_tanh"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_a_row_has_the_same_bits_with_any_number_of_rows_and_threads(
    inputs: int, outputs: int, activation: Activation, threads: int, make: MakeLinear
) -> None:
    layer = make(*weights(inputs, outputs), activation)
    x = torch.randn(300 if outputs < 10_000 else 20, inputs)
    together = layer(x)
    with torch_threads(threads):
        for rows in (1, 2, 5, 8, 12, 13, 25, 64, 256):
            for first in (0, 3):
                part = slice(first, min(first + rows, len(x)))
                assert torch.equal(layer(x[part]), together[part]), (rows, first)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_the_weights_of_an_output_can_be_read_back(inputs: int, outputs: int, precision: Precision) -> None:
    weight, _ = weights(inputs, outputs)
    layer = maker(precision)(weight, None)
    wanted = torch.randint(outputs, (9,))
    assert torch.equal(layer.weights(wanted), weight[wanted].to(getattr(torch, precision)).float())


def test_rows_of_another_width_are_refused(make: MakeLinear) -> None:
    with pytest.raises(ValueError, match="for a layer of"):
        make(*weights(16, 8))(torch.randn(2, 64))


def test_a_layer_leaves_its_input_alone_and_keeps_no_reference_to_weight_or_bias(make: MakeLinear) -> None:
    weight, bias = weights(16, 8)
    watched = weakref.ref(weight)
    layer = make(weight, bias)
    x = torch.randn(4, 16)
    before, result = x.clone(), layer(x)
    bias.zero_()
    del weight
    assert watched() is None
    assert torch.equal(x, before)
    assert torch.equal(layer(x), result)


def bound(x: Tensor, weight: Tensor) -> Tensor:
    """How far rounding each number of ``x`` and ``weight`` by half a scale can move a result."""
    x, weight = x.double(), weight.double()
    x_scale, w_scale = x.abs().amax(1, keepdim=True) / 127, weight.abs().amax(1, keepdim=True) / 127
    x_sums, w_sums = x.abs().sum(1, keepdim=True), weight.abs().sum(1, keepdim=True)
    both = x.size(1) * x_scale * w_scale.t() / 4
    return 1.001 * (x_sums * w_scale.t() / 2 + x_scale * w_sums.t() / 2 + both) + 1e-4


@pytest.mark.parametrize("transposed", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), SHAPES)
def test_an_int8_layer_errs_by_no_more_than_the_rounding_of_its_operands(
    inputs: int, outputs: int, transposed: bool, make_int8: MakeLinear
) -> None:
    weight, bias = weights(inputs, outputs, transposed=transposed)
    x = torch.randn(7, inputs) * torch.tensor([[0.0], [1e-20], [0.01], [1.0], [1.0], [30.0], [1e6]])
    exact = functional.linear(x.double(), weight.double(), bias.double())
    assert ((make_int8(weight, bias)(x) - exact).abs() <= bound(x, weight) + exact.abs() * 1e-6).all()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 30), st.integers(0, 2**32 - 1))
@example(inputs=4, outputs=1, rows=1, seed=0)
def test_an_int8_layer_of_any_shape_errs_by_no_more(inputs: int, outputs: int, rows: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(inputs, outputs, generator=generator).t()
    x = torch.randn(rows, inputs, generator=generator)
    result = maker("int8")(weight, None)(x)
    assert ((result - x.double() @ weight.t().double()).abs() <= bound(x, weight)).all()


@pytest.mark.parametrize("transposed", [True, False])
def test_an_int8_layer_errs_by_a_percent_on_average(transposed: bool, make_int8: MakeLinear) -> None:
    weight, bias = weights(384, 1152, transposed=transposed)
    x = torch.randn(20, 384)
    exact = functional.linear(x, weight, bias)
    assert (make_int8(weight, bias)(x) - exact).std() < 0.015 * exact.std()


def test_an_int8_layer_is_exact_for_integers_that_fit_into_bytes(make_int8: MakeLinear) -> None:
    weight = torch.randint(-127, 128, (40, 30)).float()
    x = torch.randint(-127, 128, (9, 30)).float()
    weight[:, 0] = x[:, 0] = 127
    assert torch.allclose(make_int8(weight, None)(x), x @ weight.t(), rtol=1e-6, atol=0.01)


def test_rows_and_outputs_of_zeros_give_the_bias(make: MakeLinear) -> None:
    weight, bias = weights(16, 8)
    weight[3] = 0
    layer = make(weight, bias)
    assert torch.equal(layer(torch.zeros(2, 16)), bias.expand(2, 8))
    assert torch.equal(layer(torch.randn(5, 16))[:, 3], bias[3].expand(5))


@pytest.mark.parametrize("value", [1e30, torch.inf, torch.nan])
def test_a_huge_number_costs_precision_only_in_its_own_row(value: float, make_int8: MakeLinear) -> None:
    layer = make_int8(*weights(64, 200), "gelu_tanh")
    x = torch.randn(20, 64)
    expected = layer(x)
    x[7, 5] = value
    got = layer(x)
    others = torch.arange(20) != 7
    assert torch.equal(got[others], expected[others])
    assert not torch.equal(got[7], expected[7])
    assert got[7].isfinite().all() == (value < torch.inf)
