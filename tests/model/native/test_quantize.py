from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir
from torch import Tensor

from bot.model.native.emit import LANES
from bot.model.native.machine import Machine, this_processor
from bot.model.native.quantize import LARGEST, NAME, ZERO, write_quantize
from tests.model.driving import torch_threads


@pytest.fixture(scope="module")
def machine() -> Machine:
    module = ir.Module()
    write_quantize(module)
    return Machine(module, this_processor())


def quantized(machine: Machine, x: Tensor) -> tuple[Tensor, Tensor]:
    taken, steps = torch.empty(x.shape, dtype=torch.uint8), torch.empty(len(x))
    machine.start(
        machine.address(NAME), len(x), x.data_ptr(), taken.data_ptr(), steps.data_ptr(), len(x), x.size(1)
    )
    return taken, steps


@given(
    rows=st.integers(1, 20), vectors=st.integers(1, 5), power=st.integers(-30, 30), seed=st.integers(0, 999)
)
def test_a_byte_is_within_half_a_step_of_its_number(
    machine: Machine, rows: int, vectors: int, power: int, seed: int
) -> None:
    x = torch.randn(rows, vectors * LANES, generator=torch.Generator().manual_seed(seed)) * 2.0**power
    taken, steps = quantized(machine, x)
    assert torch.equal(steps, x.abs().amax(1) / LARGEST)
    back = (taken.double() - ZERO) * steps.double()[:, None]
    assert ((back - x).abs() <= steps[:, None] * 0.5001).all()


def test_the_largest_number_is_the_largest_byte_and_0_is_128(machine: Machine) -> None:
    x = torch.zeros(2, LANES)
    x[0, 3], x[1, 4] = 5.0, -5.0
    taken, _ = quantized(machine, x)
    assert taken[0, 3] == ZERO + LARGEST
    assert taken[1, 4] == ZERO - LARGEST
    assert taken[0, 0] == ZERO


def test_a_row_of_zeros_stays_zeros(machine: Machine) -> None:
    taken, steps = quantized(machine, torch.zeros(3, LANES))
    assert (taken == ZERO).all()
    assert (steps > 0).all()


def test_a_row_that_has_no_number_is_still_none_and_the_others_are_as_before(machine: Machine) -> None:
    x = torch.randn(9, 4 * LANES)
    expected = quantized(machine, x)
    x[4, 20] = torch.nan
    taken, steps = quantized(machine, x)
    assert steps[4].isnan()
    others = torch.arange(9) != 4
    assert torch.equal(taken[others], expected[0][others])
    assert torch.equal(steps[others], expected[1][others])


def test_the_bytes_do_not_depend_on_the_threads(machine: Machine) -> None:
    x = torch.randn(50, 3 * LANES)
    expected = quantized(machine, x)
    with torch_threads(3):
        assert all(map(torch.equal, quantized(machine, x), expected))
