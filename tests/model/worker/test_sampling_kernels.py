"""Draws and reports are what torch computes in double precision, and the same on every processor."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bot.model.kernels.variates import Twister
from bot.model.worker.sampling_kernels import SamplingKernels, block_ids
from tests.support.driving import sampling_kernels

SEEDS = [0, 1, 7, 2**31, 2**32 - 1]


@pytest.fixture
def kernels() -> SamplingKernels:
    return sampling_kernels()


def torch_s(generator: torch.Generator, count: int) -> Tensor:
    """The variates of ``Tensor.exponential_`` (``transformation::exponential`` in ATen)."""
    uniform = torch.empty(count, dtype=torch.float64).uniform_(generator=generator)
    return -torch.log1p(-uniform).float()


@pytest.mark.parametrize("seed", SEEDS)
def test_variates_are_torch_s_however_they_are_portioned(kernels: SamplingKernels, seed: int) -> None:
    twister, generator = Twister(seed), torch.Generator().manual_seed(seed)
    for count in (1, 311, 312, 313, 97, 624, 50257, 5):
        ours = kernels.variates(twister, count)
        # Of a hundred million, a few have another rounding.
        assert torch.equal(ours[:count], torch_s(generator, count))
        assert (ours[count:] == 1).all()


@given(st.integers(0, 2**32 - 1))
def test_any_seed_begins_as_torch_s_generator(seed: int) -> None:
    ours = sampling_kernels().variates(Twister(seed), 700)[:700]
    theirs = torch_s(torch.Generator().manual_seed(seed), 700)
    assert torch.allclose(ours, theirs, rtol=2e-7, atol=0)


@st.composite
def scores(draw: st.DrawFn) -> Tensor:
    """Scores [V] of which some are left out; coarse ones have many ties."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    row = torch.randn(draw(st.integers(1, 400)), generator=generator)
    row *= draw(st.sampled_from([0.1, 3.0, 90.0]))
    row = row.round() if draw(st.booleans()) else row
    out = torch.rand(len(row), generator=generator) < draw(st.sampled_from([0.0, 0.9]))
    out[row.argmax()] = False
    return row.masked_fill(out, -math.inf)


@given(scores())
def test_the_measures_are_those_of_double_precision(row: Tensor) -> None:
    found = sampling_kernels().measure(row[None], torch.ones(1), row.argmin()[None])
    logprobs = row.double().log_softmax(-1)
    assert found.largest == row.max()
    assert found.log_sum.item() == pytest.approx((row.double().logsumexp(-1) - row.max()).item(), abs=1e-6)
    bits = -(logprobs.exp() * logprobs.clamp_min(-1e9)).sum().item() / math.log(2)
    assert found.above == (row > row.min()).sum()
    assert found.entropy.item() == pytest.approx(bits, abs=1e-5)


@given(st.integers(1, 4), st.integers(1, 1700), st.integers(0, 40))
def test_block_maxima_are_those_of_their_ids(rows: int, vocabulary: int, beside: int) -> None:
    logits = torch.randn(rows, vocabulary + beside)[:, :vocabulary]
    found = sampling_kernels().block_maxima(logits)
    ids = block_ids(torch.arange(found.size(-1)))
    assert sorted(ids[ids < vocabulary].tolist()) == list(range(vocabulary))
    padded = torch.full((rows, int(ids.max()) + 1), -math.inf)
    padded[:, :vocabulary] = logits
    assert torch.equal(found, padded[:, ids].amax(-1))


@given(scores(), st.floats(0.1, 2), st.integers(0, 2**32 - 1))
def test_a_draw_divides_by_the_temperature_and_leaves_out_lower_scores(
    row: Tensor, temperature: float, seed: int
) -> None:
    kernels = sampling_kernels()
    noise = kernels.variates(Twister(seed), len(row))
    divided = row / temperature
    least = divided.median().item()
    filtered = divided.masked_fill(divided < least, -math.inf)
    assert kernels.draw(row, noise, temperature, least) == kernels.draw(filtered, noise)


@given(scores(), st.integers(0, 2**32 - 1))
def test_a_draw_has_the_largest_probability_over_noise(row: Tensor, seed: int) -> None:
    kernels = sampling_kernels()
    noise = kernels.variates(Twister(seed), len(row))
    ratios = row.double().softmax(-1) / noise[: len(row)]
    drawn = kernels.draw(row, noise)
    assert ratios[drawn] >= ratios.max() * (1 - 1e-6)
    assert row[drawn] > -math.inf


def test_the_lowest_id_is_drawn_of_several_with_the_same_ratio(kernels: SamplingKernels) -> None:
    row = torch.zeros(48)
    row[:3] = -math.inf
    assert kernels.draw(row, torch.ones(48)) == 3


def test_no_noise_draws_a_token_but_none_that_is_left_out(kernels: SamplingKernels) -> None:
    noise = torch.ones(16)
    noise[[2, 5]] = 0
    row = torch.zeros(16)
    row[2] = -math.inf
    assert kernels.draw(row, noise) == 5


@given(scores(), st.floats(0.001, 0.999))
def test_the_nucleus_leaves_out_what_adds_up_to_the_limit(row: Tensor, limit: float) -> None:
    ascending = row[row > -math.inf].sort().values
    count = sampling_kernels().nucleus(ascending, limit)
    sums = ascending.double().softmax(-1).cumsum(-1)
    assert (sums[:count] <= limit + 1e-6).all()
    assert (sums[count:] > limit - 1e-6).all()
