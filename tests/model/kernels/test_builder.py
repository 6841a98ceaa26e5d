"""A kernel computes what its builder wrote, operation by operation."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir

from bot.model.kernels.arguments import Signature
from bot.model.kernels.builder import INT, LANES, KernelBuilder, KernelModule, Variable
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import this_processor
from tests.model.kernels.conftest import CountArguments, Vector, VectorArguments, vector_function
from tests.support.driving import torch_threads


@pytest.fixture(scope="module")
def exp() -> Vector:
    return vector_function(lambda kernel, x: kernel.exp(x))


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


def test_fma_rounds_once() -> None:
    third = 1 / 3
    fma = vector_function(lambda kernel, x: kernel.fma(x, kernel.floats(third), kernel.floats(-1.0)))
    got = fma(torch.full((LANES,), 3.0))
    rounded = torch.tensor(third, dtype=torch.float32).double()
    assert torch.equal(got, (3 * rounded - 1).float().expand(LANES))
    assert got[0] != torch.tensor(3.0) * torch.tensor(third) - 1  # rounded twice


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
        number, bits = kernel.nearest(x, kernel.floats(0.75), offset)
        low = kernel.ir.sitofp(kernel.ir.and_(bits, kernel.ints(255)), x.type)
        return kernel.ir.shuffle_vector(number, low, kernel.ints([0, *[LANES] * (LANES - 1)]))

    return vector_function(build)


def test_a_loop_steps_up_to_its_end_and_a_variable_keeps_its_value() -> None:
    signature, module = Signature("steps", CountArguments), KernelModule()
    kernel = KernelBuilder(module, signature)
    total = Variable(kernel, kernel.index(0))
    with kernel.loop(kernel.arguments.count, 3) as outer, kernel.loop(outer) as inner:
        total.set(kernel.ir.add(total.get(), kernel.ir.mul(outer, inner)))
    kernel.store(kernel.ir.trunc(total.get(), INT), kernel.arguments.out, kernel.index(0))
    kernel.finish()
    kernels = Kernels(module, this_processor())
    for stop in (0, 1, 3, 4, 10):
        out = torch.zeros(1, dtype=torch.int32)
        kernels.run(kernels.kernel(signature).call(CountArguments(out=out, count=stop)))
        assert out.item() == sum(a * b for a in range(0, stop, 3) for b in range(a))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_shared_loop_does_each_task_once_with_any_number_of_threads(threads: int) -> None:
    signature, module = Signature("count", CountArguments), KernelModule()
    kernel = KernelBuilder(module, signature)
    out = kernel.arguments.out
    with kernel.shared_loop(kernel.arguments.count) as task:
        kernel.store(kernel.ir.add(kernel.load(INT, out, task), ir.Constant(INT, 1)), out, task)
    kernel.finish()
    kernels = Kernels(module, this_processor())
    done = torch.zeros(5000, dtype=torch.int32)
    with torch_threads(threads):
        kernels.run(kernels.kernel(signature).call(CountArguments(out=done, count=4999)))
    assert done.tolist() == [1] * 4999 + [0]
