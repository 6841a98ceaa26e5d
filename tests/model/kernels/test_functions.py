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
from tests.model.kernels.conftest import Vector, VectorArguments, double_function, vector_function


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


def test_log_is_within_a_unit_in_the_last_place_of_every_magnitude() -> None:
    log = double_function(functions.log)
    numbers = torch.rand(200 * LANES, dtype=torch.float64) * torch.logspace(
        -300, 300, 200 * LANES, dtype=torch.float64
    )
    numbers[: 50 * LANES] = torch.linspace(0.5, 2, 50 * LANES, dtype=torch.float64)
    got = torch.cat([log(part) for part in torch.split(numbers, LANES)])
    exact = numbers.log()
    unit = torch.nextafter(exact.abs(), torch.tensor(math.inf, dtype=torch.float64)) - exact.abs()
    assert ((got - exact).abs() / unit).max() <= 2  # torch's own is off by up to one


def test_log_of_one_is_zero_and_of_powers_of_two_multiples_of_that_of_two() -> None:
    log = double_function(functions.log)
    powers = torch.arange(LANES, dtype=torch.float64)
    assert torch.allclose(log(2**powers), powers * math.log(2), rtol=1e-15, atol=0)
    assert log(torch.ones(LANES, dtype=torch.float64)).tolist() == [0.0] * LANES
