from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from bot.model.gpt2.linear import NO_NORM, Norm
from bot.model.kernels.builder import LANES, KernelModule
from bot.model.kernels.form import ZERO_POINT
from bot.model.kernels.jit import Kernels
from bot.model.kernels.pack import LARGEST, PACK, PackArguments, write_pack
from bot.model.kernels.processor import this_processor
from bot.model.model_info import Precision
from tests.support.driving import torch_threads

WIDEST = 8 * LANES


@cache
def compiled(precision: Precision) -> Kernels:
    module = KernelModule()
    write_pack(module, precision, this_processor())
    return Kernels.compiled(module, this_processor())


def packed(
    precision: Precision, x: Tensor, *, tile_rows: int = 1, norm: Norm = NO_NORM
) -> tuple[Tensor, Tensor]:
    """The rows' words [rows, words] from tiles of ``tile_rows`` rows, and the rows' scales."""
    rows, width = x.shape
    padded = functional.pad(x, (0, -width % LANES)).contiguous()
    depth = padded.size(1) // {"float32": 1, "bfloat16": 2, "int8": 4}[precision]
    tiles = torch.zeros(-(-rows // tile_rows), depth, tile_rows, dtype=torch.int32)
    scales, scratch = torch.empty(rows), torch.empty(torch.get_num_threads(), padded.size(1))
    arguments = PackArguments(
        x=padded,
        tiles=tiles,
        row_scales=scales,
        scratch=scratch,
        row_count=rows,
        width=width,
        stride=padded.size(1),
        depth=depth,
        tile_rows=tile_rows,
        normalize=norm is not NO_NORM,
        weight=norm.weight,
        shift=norm.shift,
        epsilon=norm.epsilon,
    )
    kernels = compiled(precision)
    kernels.run(kernels.kernel(PACK).call(arguments))
    return tiles.transpose(1, 2).flatten(0, 1)[:rows].contiguous(), scales


def quantized(x: Tensor) -> tuple[Tensor, Tensor]:
    words, scales = packed("int8", x)
    return words.view(torch.uint8), scales


@pytest.mark.parametrize("tile_rows", [1, 2, 5])
@pytest.mark.parametrize("width", [1, 16, 37, WIDEST])
def test_numbers_are_copied_or_rounded_to_bfloat16(width: int, tile_rows: int) -> None:
    x = torch.randn(7, width)
    words, _ = packed("float32", x, tile_rows=tile_rows)
    assert torch.equal(words.view(torch.float32)[:, :width], x)
    words, _ = packed("bfloat16", x, tile_rows=tile_rows)
    assert torch.equal(words.view(torch.bfloat16)[:, :width], x.bfloat16())


@pytest.mark.parametrize("width", [1, 16, 37, WIDEST])
def test_rows_are_normalized_as_by_torch(width: int) -> None:
    x, weight, bias = torch.randn(7, width) * 3 + 1, torch.randn(width), torch.randn(width)
    words, _ = packed("float32", x, norm=Norm(weight, bias, 1e-5))
    exact = functional.layer_norm(x.double(), (width,), weight.double(), bias.double(), 1e-5)
    got = words.view(torch.float32)
    torch.testing.assert_close(got[:, :width].double(), exact, atol=2e-6, rtol=2e-6)
    assert (got[:, width:] == 0).all()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_row_longer_than_a_thread_s_stack_is_packed_whole(threads: int) -> None:
    x = torch.randn(4, 3_000_000, generator=torch.Generator().manual_seed(0))
    with torch_threads(threads):
        words, _ = packed("float32", x)
    assert torch.equal(words.view(torch.float32), x)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_a_row_s_words_do_not_depend_on_its_tile_or_its_neighbours(precision: Precision) -> None:
    x, norm = torch.randn(11, 50), Norm(torch.randn(50), torch.randn(50), 1e-5)
    expected, scales = packed(precision, x, norm=norm)
    x[0] = torch.nan
    for tile_rows in (2, 3, 12):
        words, its_scales = packed(precision, x, tile_rows=tile_rows, norm=norm)
        assert torch.equal(words[1:], expected[1:])
        assert precision != "int8" or torch.equal(its_scales[1:], scales[1:])


@given(
    rows=st.integers(1, 20), vectors=st.integers(1, 5), power=st.integers(-30, 30), seed=st.integers(0, 999)
)
def test_a_byte_is_within_half_a_scale_of_its_number(rows: int, vectors: int, power: int, seed: int) -> None:
    x = torch.randn(rows, vectors * LANES, generator=torch.Generator().manual_seed(seed)) * 2.0**power
    taken, scales = quantized(x)
    assert torch.equal(scales, x.abs().amax(1) / LARGEST)
    back = (taken.double() - ZERO_POINT) * scales.double()[:, None]
    assert ((back - x).abs() <= scales[:, None] * 0.5001).all()


def test_the_largest_number_is_the_largest_byte_and_0_is_128() -> None:
    x = torch.zeros(2, LANES)
    x[0, 3], x[1, 4] = 5.0, -5.0
    taken, _ = quantized(x)
    assert taken[0, 3] == ZERO_POINT + LARGEST
    assert taken[1, 4] == ZERO_POINT - LARGEST
    assert taken[0, 0] == ZERO_POINT


def test_a_row_of_zeros_stays_zeros() -> None:
    taken, scales = quantized(torch.zeros(3, LANES))
    assert (taken == ZERO_POINT).all()
    assert (scales > 0).all()


def test_a_row_with_a_nan_keeps_it_and_leaves_the_others_alone() -> None:
    x = torch.randn(9, 4 * LANES)
    expected = quantized(x)
    x[4, 20] = torch.nan
    taken, scales = quantized(x)
    assert scales[4].isnan()
    others = torch.arange(9) != 4
    assert torch.equal(taken[others], expected[0][others])
    assert torch.equal(scales[others], expected[1][others])


def test_the_bytes_do_not_depend_on_the_threads() -> None:
    x = torch.randn(50, 3 * LANES)
    expected = quantized(x)
    with torch_threads(3):
        assert all(map(torch.equal, quantized(x), expected))
