from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers import (
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    set_seed,
)

from bot.model.protocol import SamplingParams
from bot.model.worker import sampling
from bot.model.worker.sampling import Sampler
from tests.support.driving import sampling_kernels

NO_IDS = torch.empty(1, 0, dtype=torch.long)


@st.composite
def rows(draw: st.DrawFn) -> Tensor:
    """Logits [V]; coarse ones have many ties."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    logits = torch.randn(draw(st.integers(2, 400)), generator=generator) * draw(
        st.sampled_from([0.1, 3.0, 30.0])
    )
    return logits.round() if draw(st.booleans()) else logits


def assert_left(got: Tensor, expected: Tensor, scores: Tensor) -> None:
    """``got`` has the scores that transformers leaves; of equal ones the lower ids, where those leave any."""
    assert torch.equal(got.sort().values, expected.sort().values)
    kept = got > -math.inf
    assert torch.equal(got[kept], scores[kept])
    for left_out in (~kept).nonzero()[:, 0]:
        assert not (kept & (scores == scores[left_out]))[left_out:].any()


@given(rows(), st.integers(1, 500))
def test_top_k_is_that_of_transformers(logits: Tensor, k: int) -> None:
    expected = TopKLogitsWarper(top_k=k)(NO_IDS, logits[None])[0]
    assert torch.equal(sampling.keep_top_k(logits, k), expected)


@given(rows(), st.lists(st.integers(0, 500), min_size=1, max_size=5))
def test_the_least_scores_are_what_top_k_keeps(logits: Tensor, counts: list[int]) -> None:
    params = [SamplingParams(top_k=k, temperature=0.1 + n) for n, k in enumerate(counts)]
    whole = logits.expand(len(counts), -1).contiguous()
    found = sampling.least_scores(whole, params, sampling_kernels())
    for row, one, least in zip(whole, params, found, strict=True):
        divided = row / one.temperature
        kept = sampling.keep_top_k(divided, one.top_k) if one.top_k else divided
        assert torch.equal(divided.masked_fill(divided < least, -math.inf), kept)


@given(rows(), st.floats(0.01, 0.999))
def test_top_p_is_that_of_transformers(logits: Tensor, p: float) -> None:
    expected = TopPLogitsWarper(top_p=p)(NO_IDS, logits[None])[0]
    assert_left(sampling.keep_top_p(logits, p, sampling_kernels()), expected, logits)


@given(rows(), st.floats(0.05, 5), st.integers(1, 100), st.floats(0.01, 0.999))
def test_the_filters_are_applied_in_generate_s_order(logits: Tensor, t: float, k: int, p: float) -> None:
    expected = logits[None]
    for warper in (TemperatureLogitsWarper(t), TopKLogitsWarper(k), TopPLogitsWarper(p)):
        expected = warper(NO_IDS, expected)
    params = SamplingParams(temperature=t, top_k=k, top_p=p)
    assert_left(sampling.filtered(logits, params, sampling_kernels()), expected[0], logits / t)


def test_filters_that_are_off_change_nothing() -> None:
    logits = torch.randn(50)
    params = SamplingParams(temperature=1.0, top_k=0, top_p=1.0)
    assert torch.equal(sampling.filtered(logits, params, sampling_kernels()), logits)


@pytest.mark.parametrize("vocabulary", [2, 211, 50257])
def test_draws_are_those_of_the_seeded_global_generator(vocabulary: int) -> None:
    rows = [torch.randn(vocabulary) for _ in range(20)]
    set_seed(7)
    expected = [int(torch.multinomial(row.softmax(-1)[None], num_samples=1)) for row in rows]
    sampler = sampler_of(SamplingParams(seed=7, temperature=1.0, top_k=0), vocabulary=vocabulary)
    assert [sampler.choose(row, sampler.noise()) for row in rows] == expected


def sampler_of(params: SamplingParams, *, vocabulary: int, spent: int = 0) -> Sampler:
    return Sampler(params, spent=spent, vocabulary=vocabulary, kernels=sampling_kernels())


def noises(sampler: Sampler, count: int) -> list[Tensor]:
    found = [sampler.noise() for _ in range(count)]
    return [noise for noise in found if noise is not None]


@given(st.integers(0, 2**32 - 1), st.integers(0, 20), st.integers(1, 7))
def test_a_sampler_can_start_after_the_first_draws(seed: int, spent: int, portion: int) -> None:
    params = SamplingParams(seed=seed)
    whole = noises(sampler_of(params, vocabulary=97), spent + 2)
    sampler = sampler_of(params, spent=spent, vocabulary=97)
    while sampler.draws_to_skip:
        sampler.skip(portion)
    assert all(map(torch.equal, noises(sampler, 2), whole[spent:]))


def test_draws_can_be_skipped_in_several_parts() -> None:
    sampler = sampler_of(SamplingParams(seed=3), spent=5, vocabulary=97)
    portions = []
    while sampler.draws_to_skip:
        sampler.skip(2)
        portions.append(sampler.draws_to_skip)
    assert portions == [3, 1, 0]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_draws_of_a_seed_do_not_depend_on_other_requests(threads: int) -> None:
    seeds = range(8)
    expected = [noises(sampler_of(SamplingParams(seed=n), vocabulary=50257), 3) for n in seeds]
    samplers = [sampler_of(SamplingParams(seed=n), vocabulary=50257) for n in seeds]
    with ThreadPoolExecutor(threads) as pool:
        columns = [list(pool.map(Sampler.noise, samplers)) for _ in range(3)]
    for mine, theirs in zip(expected, zip(*columns, strict=True), strict=True):
        assert all(map(torch.equal, mine, theirs))


def test_greedy_needs_no_draws() -> None:
    sampler = sampler_of(SamplingParams(temperature=0), spent=9, vocabulary=5)
    assert sampler.draws_to_skip == 0
    assert sampler.noise() is None


def test_greedy_takes_the_most_likely_token_and_the_lower_id_in_a_tie() -> None:
    sampler = sampler_of(SamplingParams(temperature=0), vocabulary=4)
    assert sampler.choose(torch.tensor([1.0, 2.0, 2.0, 0.0]), None) == 1


@given(rows(), st.integers(0, 2**32 - 1), st.integers(0, 60), st.floats(0.1, 1.0))
def test_a_choice_is_a_draw_from_what_the_filters_leave(logits: Tensor, seed: int, k: int, p: float) -> None:
    params = SamplingParams(seed=seed, top_k=k, top_p=p)
    sampler = sampler_of(params, vocabulary=len(logits))
    generator = torch.Generator().manual_seed(seed)
    scores = sampling.filtered(logits, params, sampling_kernels())
    expected = int(torch.multinomial(scores.softmax(-1), 1, generator=generator))
    assert sampler.choose(logits, sampler.noise()) == expected


def test_the_logits_are_left_as_they_were() -> None:
    logits = torch.randn(60)
    before = logits.clone()
    sampler = sampler_of(SamplingParams(top_k=3, top_p=0.5), vocabulary=60)
    sampler.choose(logits, sampler.noise())
    assert torch.equal(logits, before)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_not_finite_are_refused(value: float, temperature: float) -> None:
    sampler = sampler_of(SamplingParams(temperature=temperature), vocabulary=3)
    with pytest.raises(ValueError, match="not finite"):
        sampler.choose(torch.tensor([0.0, value, 1.0]), sampler.noise())


def test_the_default_settings_have_no_problem() -> None:
    assert sampling.problem(SamplingParams()) is None


@pytest.mark.parametrize(
    "params",
    [
        SamplingParams(max_new_tokens=0),
        SamplingParams(temperature=-0.1),
        SamplingParams(temperature=math.nan),
        SamplingParams(temperature=math.inf),
        SamplingParams(top_k=-1),
        SamplingParams(top_p=0.0),
        SamplingParams(top_p=1.1),
        SamplingParams(top_p=math.nan),
        SamplingParams(seed=-1),
        SamplingParams(seed=2**32),
        SamplingParams(candidates=-1),
    ],
)
def test_settings_outside_their_range_have_a_problem(params: SamplingParams) -> None:
    assert sampling.problem(params)
