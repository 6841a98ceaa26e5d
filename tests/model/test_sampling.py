from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import (
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    set_seed,
)

from bot.model import sampling
from bot.model.protocol import SamplingParams

NO_IDS = torch.empty(1, 0, dtype=torch.long)


@st.composite
def rows(draw: st.DrawFn) -> Tensor:
    """Logits [V]; coarse ones have many ties."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    logits = torch.randn(draw(st.integers(2, 400)), generator=generator) * draw(
        st.sampled_from([0.1, 3.0, 30.0])
    )
    return logits.round() if draw(st.booleans()) else logits


@given(rows(), st.integers(1, 500))
def test_top_k_is_that_of_transformers(logits: Tensor, k: int) -> None:
    expected = TopKLogitsWarper(top_k=k)(NO_IDS, logits[None])[0]
    assert torch.equal(sampling.keep_top_k(logits, k), expected)


@given(rows(), st.floats(0.01, 0.999))
def test_top_p_is_that_of_transformers(logits: Tensor, p: float) -> None:
    expected = TopPLogitsWarper(top_p=p)(NO_IDS, logits[None])[0]
    assert torch.equal(sampling.keep_top_p(logits, p), expected)


@given(rows(), st.floats(0.05, 5), st.integers(1, 100), st.floats(0.01, 0.999))
def test_the_filters_come_in_the_order_of_generate(logits: Tensor, t: float, k: int, p: float) -> None:
    expected = logits[None]
    for warper in (TemperatureLogitsWarper(t), TopKLogitsWarper(k), TopPLogitsWarper(p)):
        expected = warper(NO_IDS, expected)
    params = SamplingParams(temperature=t, top_k=k, top_p=p)
    assert torch.equal(sampling.filtered(logits, params), expected[0])


def test_filters_that_are_off_change_nothing() -> None:
    logits = torch.randn(50)
    params = SamplingParams(temperature=1.0, top_k=0, top_p=1.0)
    assert torch.equal(sampling.filtered(logits, params), logits)


@pytest.mark.parametrize("vocabulary", [2, 211, 50257])
def test_draws_are_those_of_the_seeded_global_generator(vocabulary: int) -> None:
    scores = [torch.randn(vocabulary) for _ in range(20)]
    set_seed(7)
    expected = [int(torch.multinomial(row.softmax(-1)[None], num_samples=1)) for row in scores]
    generator = torch.Generator().manual_seed(7)
    assert [sampling.draw(row, generator) for row in scores] == expected


@pytest.mark.parametrize("vocabulary", [2, 211, 50257])
def test_skipped_draws_leave_the_generator_as_made_ones_do(vocabulary: int) -> None:
    drawn, skipped = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    for _ in range(5):
        sampling.draw(torch.randn(vocabulary), drawn)
    sampling.skip_draws(skipped, 5, vocabulary=vocabulary)
    assert torch.equal(drawn.get_state(), skipped.get_state())


def test_draws_can_be_skipped_in_portions() -> None:
    sampler = sampling.Sampler(SamplingParams(seed=3, skip_draws=5), vocabulary=97)
    portions = []
    while sampler.draws_to_skip:
        sampler.skip(2)
        portions.append(sampler.draws_to_skip)
    assert portions == [3, 1, 0]


def test_greedy_has_no_draws_to_skip() -> None:
    assert sampling.Sampler(SamplingParams(temperature=0, skip_draws=9), vocabulary=5).draws_to_skip == 0


@settings(deadline=None)
@given(rows(), st.sampled_from([0.0, 0.3, 1.0, 2.0]), st.integers(0, 500))
def test_a_report_states_the_whole_distribution_before_the_filters(
    logits: Tensor, temperature: float, count: int
) -> None:
    chosen = len(logits) // 2
    step = sampling.report(logits, chosen, temperature=temperature, candidates=count)
    logprobs = (logits.double() / (temperature or 1)).log_softmax(-1)
    by_rank = sorted(range(len(logits)), key=lambda i: (-logits[i].item(), i))
    assert [c.token_id for c in step.candidates] == by_rank[:count]
    for candidate in (step.chosen, *step.candidates):
        assert candidate.logit == logits[candidate.token_id].item()
        assert candidate.logprob == pytest.approx(logprobs[candidate.token_id].item(), abs=1e-4)
        assert candidate.rank == 1 + sum(x > candidate.logit for x in logits.tolist())
    assert step.chosen.token_id == chosen
    entropy = -(logprobs.exp() * logprobs).sum().item() / math.log(2)
    assert step.entropy == pytest.approx(entropy, abs=1e-4)


def test_entropy_is_in_bits() -> None:
    assert sampling.report(torch.zeros(1024), 0, temperature=0.7, candidates=0).entropy == pytest.approx(10)


def test_a_certain_token_has_no_entropy() -> None:
    logits = torch.tensor([0.0, 1e30, 0.0])
    step = sampling.report(logits, 1, temperature=1e-8, candidates=3)
    assert step.entropy == 0
    assert step.chosen.logprob == 0


def test_greedy_takes_the_likeliest_and_the_lower_id_in_a_tie() -> None:
    sampler = sampling.Sampler(SamplingParams(temperature=0), vocabulary=4)
    assert sampler.step(torch.tensor([1.0, 2.0, 2.0, 0.0])).chosen.token_id == 1


def test_the_logits_are_left_as_they_were() -> None:
    logits = torch.randn(60)
    before = logits.clone()
    sampling.Sampler(SamplingParams(top_k=3, top_p=0.5), vocabulary=60).step(logits)
    assert torch.equal(logits, before)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_not_finite_are_refused(value: float, temperature: float) -> None:
    sampler = sampling.Sampler(SamplingParams(temperature=temperature), vocabulary=3)
    with pytest.raises(ValueError, match="not finite"):
        sampler.step(torch.tensor([0.0, value, 1.0]))


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
        SamplingParams(skip_draws=-1),
        SamplingParams(skip_draws=10**9),
        SamplingParams(candidates=-1),
    ],
)
def test_settings_outside_their_range_have_a_problem(params: SamplingParams) -> None:
    assert sampling.problem(params)
