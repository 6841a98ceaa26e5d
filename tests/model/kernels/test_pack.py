from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.linear import Norm
from bot.model.kernels.builder import LANES
from bot.model.kernels.jit import Call, Machine, this_processor
from bot.model.kernels.matmul import Kind
from bot.model.kernels.pack import LARGEST, NAME, ZERO, write_prepare
from tests.support.driving import torch_threads

WIDEST = 8 * LANES


@cache
def compiled(kind: Kind) -> Machine:
    if kind == "bfloat16" and not this_processor().multiplies_bfloat16:
        pytest.skip("this processor does not compute bfloat16")
    module = ir.Module()
    write_prepare(module, kind)
    return Machine(module, this_processor())


def prepared(kind: Kind, x: Tensor, *, size: int = 1, norm: Norm | None = None) -> tuple[Tensor, Tensor]:
    """The rows' words [rows, words] as they lie in tiles of ``size`` rows, and their steps."""
    rows, width = x.shape
    filled = functional.pad(x, (0, -width % LANES)).contiguous()
    depth = filled.size(1) // {"float32": 1, "bfloat16": 2, "int8": 4}[kind]
    tiles, steps = torch.zeros(-(-rows // size), depth, size, dtype=torch.int32), torch.empty(rows)
    words = norm.words if norm else (0, 0, 0)
    sizes = (rows, width, filled.size(1), depth, size)
    space = torch.empty(torch.get_num_threads(), filled.size(1))
    places = tuple(tensor.data_ptr() for tensor in (filled, tiles, steps, space))
    machine = compiled(kind)
    machine.run(Call(machine.address(NAME), (*places, *sizes, *words)))
    return tiles.transpose(1, 2).flatten(0, 1)[:rows].contiguous(), steps


def quantized(x: Tensor) -> tuple[Tensor, Tensor]:
    words, steps = prepared("int8", x)
    return words.view(torch.uint8), steps


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("width", [1, 16, 37, WIDEST])
def test_numbers_are_taken_as_they_are_or_rounded_to_bfloat16(width: int, size: int) -> None:
    x = torch.randn(7, width)
    words, _ = prepared("float32", x, size=size)
    assert torch.equal(words.view(torch.float32)[:, :width], x)
    words, _ = prepared("bfloat16", x, size=size)
    assert torch.equal(words.view(torch.bfloat16)[:, :width], x.bfloat16())


@pytest.mark.parametrize("width", [1, 16, 37, WIDEST])
def test_a_layer_is_normalized_as_torch_does_it(width: int) -> None:
    x, weight, bias = torch.randn(7, width) * 3 + 1, torch.randn(width), torch.randn(width)
    words, _ = prepared("float32", x, norm=Norm(weight, bias, 1e-5))
    exact = functional.layer_norm(x.double(), (width,), weight.double(), bias.double(), 1e-5)
    got = words.view(torch.float32)
    torch.testing.assert_close(got[:, :width].double(), exact, atol=2e-6, rtol=2e-6)
    assert (got[:, width:] == 0).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_row_longer_than_a_thread_s_stack_is_taken_whole(threads: int) -> None:
    x = torch.randn(4, 3_000_000, generator=torch.Generator().manual_seed(0))
    with torch_threads(threads):
        words, _ = prepared("float32", x)
    assert torch.equal(words.view(torch.float32), x)


@pytest.mark.parametrize("kind", ["float32", "bfloat16", "int8"])
def test_a_row_s_words_do_not_depend_on_its_tile_or_its_neighbours(kind: Kind) -> None:
    x, norm = torch.randn(11, 50), Norm(torch.randn(50), torch.randn(50), 1e-5)
    expected, steps = prepared(kind, x, norm=norm)
    x[0] = torch.nan
    for size in (2, 3, 12):
        words, its_steps = prepared(kind, x, size=size, norm=norm)
        assert torch.equal(words[1:], expected[1:])
        assert kind != "int8" or torch.equal(its_steps[1:], steps[1:])


@given(
    rows=st.integers(1, 20), vectors=st.integers(1, 5), power=st.integers(-30, 30), seed=st.integers(0, 999)
)
def test_a_byte_is_within_half_a_step_of_its_number(rows: int, vectors: int, power: int, seed: int) -> None:
    x = torch.randn(rows, vectors * LANES, generator=torch.Generator().manual_seed(seed)) * 2.0**power
    taken, steps = quantized(x)
    assert torch.equal(steps, x.abs().amax(1) / LARGEST)
    back = (taken.double() - ZERO) * steps.double()[:, None]
    assert ((back - x).abs() <= steps[:, None] * 0.5001).all()


def test_the_largest_number_is_the_largest_byte_and_0_is_128() -> None:
    x = torch.zeros(2, LANES)
    x[0, 3], x[1, 4] = 5.0, -5.0
    taken, _ = quantized(x)
    assert taken[0, 3] == ZERO + LARGEST
    assert taken[1, 4] == ZERO - LARGEST
    assert taken[0, 0] == ZERO


def test_a_row_of_zeros_stays_zeros() -> None:
    taken, steps = quantized(torch.zeros(3, LANES))
    assert (taken == ZERO).all()
    assert (steps > 0).all()


def test_a_row_that_has_no_number_is_still_none_and_the_others_are_as_before() -> None:
    x = torch.randn(9, 4 * LANES)
    expected = quantized(x)
    x[4, 20] = torch.nan
    taken, steps = quantized(x)
    assert steps[4].isnan()
    others = torch.arange(9) != 4
    assert torch.equal(taken[others], expected[0][others])
    assert torch.equal(steps[others], expected[1][others])


def test_the_bytes_do_not_depend_on_the_threads() -> None:
    x = torch.randn(50, 3 * LANES)
    expected = quantized(x)
    with torch_threads(3):
        assert all(map(torch.equal, quantized(x), expected))
