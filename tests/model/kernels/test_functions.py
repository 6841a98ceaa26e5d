"""An elementary function is as accurate as it says, on every number."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir

from bot.model.kernels import functions
from bot.model.kernels.builder import LANES, KernelBuilder
from tests.model.kernels.conftest import Vector, VectorArguments, vector_function


@pytest.fixture(scope="module")
def exp() -> Vector:
    return vector_function(functions.exp)


def test_exp_is_within_two_units_in_the_last_place(exp: Vector) -> None:
    numbers = torch.linspace(-87.2, 87.2, 64 * LANES)
    got = torch.cat([exp(part) for part in torch.split(numbers, LANES)])
    exact = numbers.double().exp()
    unit = torch.nextafter(got, torch.tensor(math.inf)).double() - got.double()
    assert ((got.double() - exact).abs() / unit).max() <= 2


@given(st.floats(-87.25, 87.25, width=32))
def test_exp_is_as_accurate_anywhere_in_its_range(exp: Vector, number: float) -> None:
    got = exp(torch.full((LANES,), number)).double()
    assert ((got / math.exp(number) - 1).abs() < 2.5e-7).all()


def test_exp_of_extremes_infinities_and_nan(exp: Vector) -> None:
    numbers = torch.zeros(LANES)
    numbers[:6] = torch.tensor([-math.inf, -1e30, -87.31, 88.0, math.inf, math.nan])
    got = exp(numbers)
    assert got[:3].tolist() == [0, 0, 0]
    assert got[3] == got[4] == pytest.approx(math.exp(87.3), rel=1e-5)
    assert got[5].isnan()
    assert torch.equal(got[6:], torch.ones(LANES - 6))


@pytest.mark.slow
@given(st.floats(-(2.0**21), 2.0**21, width=32), st.integers(-200, 200))
def test_the_nearest_integer_is_returned_as_a_float_and_in_the_low_bits(number: float, offset: int) -> None:
    function = nearest(offset)
    exact = number * 0.75
    moved = function(torch.full((LANES,), number))
    assert abs(moved[0].item() - offset - exact) <= 0.5
    assert moved[1].item() == int(moved[0].item()) % 256


@cache
def nearest(offset: int) -> Vector:
    """For three quarters of a number: the nearest integer, then its last eight bits."""

    def build(kernel: KernelBuilder[VectorArguments], x: ir.Value) -> ir.Value:
        number, bits = functions.nearest(kernel, x, kernel.floats(0.75), offset)
        low = kernel.ir.sitofp(kernel.ir.and_(bits, kernel.ints(255)), x.type)
        return kernel.ir.shuffle_vector(number, low, kernel.ints([0, *[LANES] * (LANES - 1)]))

    return vector_function(build)
