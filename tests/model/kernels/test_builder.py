"""What is written is what is computed."""

from __future__ import annotations

import math
from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir

from bot.model.kernels.builder import INT, LANES, Code, Variable
from bot.model.kernels.jit import Call, Machine, this_processor
from tests.model.kernels.conftest import Vector, vector_function
from tests.support.driving import torch_threads


@pytest.fixture(scope="module")
def exp() -> Vector:
    return vector_function(lambda code, x: code.exp(x))


def test_exp_is_within_two_units_in_the_last_place(exp: Vector) -> None:
    numbers = torch.linspace(-87.2, 87.2, 64 * LANES)
    got = torch.cat([exp(part) for part in torch.split(numbers, LANES)])
    exact = numbers.double().exp()
    unit = torch.nextafter(got, torch.tensor(math.inf)).double() - got.double()
    assert ((got.double() - exact).abs() / unit).max() <= 2


@given(st.floats(-87.25, 87.25, width=32))
def test_exp_of_any_number_is(exp: Vector, number: float) -> None:
    got = exp(torch.full((LANES,), number)).double()
    assert ((got / math.exp(number) - 1).abs() < 2.5e-7).all()


def test_exp_of_what_is_not_an_ordinary_number(exp: Vector) -> None:
    numbers = torch.zeros(LANES)
    numbers[:6] = torch.tensor([-math.inf, -1e30, -87.31, 88.0, math.inf, math.nan])
    got = exp(numbers)
    assert got[:3].tolist() == [0, 0, 0]
    assert got[3] == got[4] == pytest.approx(math.exp(87.3), rel=1e-5)
    assert got[5].isnan()
    assert torch.equal(got[6:], torch.ones(LANES - 6))


def test_fma_rounds_once() -> None:
    third = 1 / 3
    fma = vector_function(lambda code, x: code.fma(x, code.floats(third), code.floats(-1.0)))
    got = fma(torch.full((LANES,), 3.0))
    rounded = torch.tensor(third, dtype=torch.float32).double()
    assert torch.equal(got, (3 * rounded - 1).float().expand(LANES))
    assert got[0] != torch.tensor(3.0) * torch.tensor(third) - 1  # rounded twice


@given(st.floats(-(2.0**21), 2.0**21, width=32), st.integers(-200, 200))
def test_the_nearest_integer_comes_as_a_number_and_in_the_low_bits(number: float, offset: int) -> None:
    function = nearest(offset)
    exact = number * 0.75
    moved = function(torch.full((LANES,), number))
    assert abs(moved[0].item() - offset - exact) <= 0.5
    assert moved[1].item() == int(moved[0].item()) % 256


@cache
def nearest(offset: int) -> Vector:
    """Of three quarters of a number: the integer first, then its last eight bits."""

    def write(code: Code, x: ir.Value) -> ir.Value:
        number, bits = code.nearest(x, code.floats(0.75), offset)
        low = code.builder.sitofp(code.builder.and_(bits, code.ints(255)), x.type)
        return code.builder.shuffle_vector(number, low, code.ints([0, *[LANES] * (LANES - 1)]))

    return vector_function(write)


def test_a_loop_takes_the_steps_below_its_end_and_a_variable_keeps_what_it_is_given() -> None:
    module = ir.Module()
    code = Code(module, "steps", 2)
    total = Variable(code, code.word(0))
    with code.loop(code.arguments[1], 3) as outer, code.loop(outer) as inner:
        total.set(code.builder.add(total.get(), code.builder.mul(outer, inner)))
    code.store(code.builder.trunc(total.get(), INT), code.pointer(0), code.word(0))
    code.finish()
    machine = Machine(module, this_processor())
    for stop in (0, 1, 3, 4, 10):
        out = torch.zeros(1, dtype=torch.int32)
        machine.run(Call(machine.address("steps"), (out.data_ptr(), stop)))
        assert out.item() == sum(a * b for a in range(0, stop, 3) for b in range(a))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_shared_loop_does_each_task_once_whatever_the_number_of_threads(threads: int) -> None:
    module = ir.Module()
    code = Code(module, "count", 2)
    with code.shared_loop(code.arguments[1]) as task:
        before = code.load(INT, code.pointer(0), task)
        code.store(code.builder.add(before, ir.Constant(INT, 1)), code.pointer(0), task)
    code.finish()
    machine = Machine(module, this_processor())
    done = torch.zeros(5000, dtype=torch.int32)
    with torch_threads(threads):
        machine.run(Call(machine.address("count"), (done.data_ptr(), 4999)))
    assert done.tolist() == [1] * 4999 + [0]
