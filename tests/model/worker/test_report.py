"""A step's report is true, and does not depend on other reports."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bot.model.protocol import Step
from bot.model.worker.report import Choice, most_likely, report, side_by_side
from tests.support.driving import sampling_kernels, torch_threads


@st.composite
def batches(draw: st.DrawFn, most: int = 9) -> tuple[Tensor, list[Choice]]:
    """Logits [rows, V], and the ids chosen from them; coarse logits have many ties."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    rows, vocabulary = draw(st.integers(1, most)), draw(st.integers(1, 400))
    logits = torch.randn(rows, vocabulary, generator=generator) * draw(st.sampled_from([0.1, 3.0, 30.0]))
    choices = st.builds(
        Choice,
        st.integers(0, vocabulary - 1),
        st.sampled_from([0.0, 0.3, 1.0, 2.0]),
        st.sampled_from([0, 1, 5, 500]),
    )
    if draw(st.booleans()):
        logits = logits.round()
    return logits, draw(st.lists(choices, min_size=rows, max_size=rows))


def reported(logits: Tensor, choices: Sequence[Choice]) -> list[Step]:
    return report(logits, choices, sampling_kernels())


def alone(logits: Tensor, choice: Choice) -> Step:
    (step,) = reported(logits[None].clone(), [choice])
    return step


@given(batches(most=3))
def test_a_report_states_the_whole_distribution_before_the_filters(
    batch: tuple[Tensor, list[Choice]],
) -> None:
    for row, choice, step in zip(*batch, reported(*batch), strict=True):
        logprobs = (row / (choice.temperature or 1)).double().log_softmax(-1)
        by_rank = sorted(range(len(row)), key=lambda i, row=row: (-row[i].item(), i))  # type: ignore[misc]
        assert [c.token_id for c in step.candidates] == by_rank[: choice.candidates]
        for candidate in (step.chosen, *step.candidates):
            assert candidate.logit == row[candidate.token_id].item()
            assert candidate.logprob == pytest.approx(logprobs[candidate.token_id].item(), rel=1e-6, abs=1e-6)
            assert candidate.rank == 1 + int((row > candidate.logit).sum())
        assert step.chosen.token_id == choice.token_id
        entropy = -(logprobs.exp() * logprobs).sum().item() / math.log(2)
        assert step.entropy == pytest.approx(entropy, rel=1e-6, abs=1e-6)


@pytest.mark.slow
@given(batches())
def test_a_row_s_report_is_the_same_to_the_bit_alone_and_among_others(
    batch: tuple[Tensor, list[Choice]],
) -> None:
    logits, choices = batch
    assert reported(logits, choices) == [alone(row, one) for row, one in zip(logits, choices, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("rows", [2, 3, 8, 17])
@pytest.mark.parametrize("vocabulary", [97, 50257])
def test_a_row_s_report_is_the_same_with_any_threads_and_gpt2_s_vocabulary(
    rows: int, vocabulary: int, threads: int
) -> None:
    logits = torch.randn(rows, vocabulary) * 5
    choices = [Choice(n, n / 4, n) for n in range(rows)]
    with torch_threads(threads):
        assert reported(logits, choices) == [
            alone(row, one) for row, one in zip(logits, choices, strict=True)
        ]


def test_entropy_is_in_bits() -> None:
    assert alone(torch.zeros(1024), Choice(0, 0.7, 0)).entropy == pytest.approx(10)


def test_a_certain_token_has_no_entropy() -> None:
    step = alone(torch.tensor([0.0, 1e30, 0.0]), Choice(1, 1e-8, 3))
    assert step.entropy == 0
    assert step.chosen.logprob == 0


def test_ties_share_a_rank_and_the_next_one_is_left_out() -> None:
    step = alone(torch.tensor([2.0, 3.0, 1.0, 3.0, 1.0]), Choice(4, 1.0, 5))
    assert [(c.token_id, c.rank) for c in step.candidates] == [(1, 1), (3, 1), (0, 3), (2, 4), (4, 4)]
    assert step.chosen == step.candidates[-1]


def test_a_report_without_candidates_has_only_the_chosen_token() -> None:
    step = alone(torch.tensor([0.0, 0.0]), Choice(1, 1.0, 0))
    assert step.candidates == ()
    assert (step.chosen.token_id, step.chosen.rank) == (1, 1)


def test_the_logits_are_left_as_they_were() -> None:
    logits = torch.randn(3, 60)
    before = logits.clone()
    reported(logits, [Choice(n, 0.5, 5) for n in range(3)])
    assert torch.equal(logits, before)


@given(batches(), st.integers(0, 500))
def test_the_most_likely_tokens_are_in_order_with_the_lower_id_first_in_a_tie(
    batch: tuple[Tensor, list[Choice]], count: int
) -> None:
    logits, _ = batch
    expected = [sorted(range(len(row)), key=lambda i, row=row: (-row[i], i)) for row in logits.tolist()]  # type: ignore[misc]
    assert most_likely(logits, count, sampling_kernels()) == [ids[:count] for ids in expected]


@pytest.mark.parametrize("count", [1, 5, 300])
def test_if_all_are_equally_likely_the_lowest_ids_come_first(count: int) -> None:
    assert most_likely(torch.zeros(2, 50257), count, sampling_kernels()) == [list(range(count))] * 2


def test_rows_that_follow_each_other_are_not_copied() -> None:
    whole = torch.arange(24.0).view(4, 6)[:, :5]
    for rows in ([0, 1, 2, 3], [1, 3], [2]):
        found = side_by_side([whole[row] for row in rows])
        assert torch.equal(found, whole[rows])
        assert found.data_ptr() == whole[rows[0]].data_ptr()
    for rows in ([1, 0], [0, 1, 3], [0, 0]):
        assert torch.equal(side_by_side([whole[row] for row in rows]), whole[rows])
    assert torch.equal(side_by_side([whole[0], whole[1].clone()]), whole[:2])
