import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.training.ngrams import KneserNeyTrigram, unigram_log_likelihoods

SIZE = 8


@given(
    st.lists(st.integers(0, SIZE - 1), min_size=3, max_size=60), st.tuples(*[st.integers(0, SIZE - 1)] * 2)
)
def test_the_probabilities_after_any_context_sum_to_one(train: list[int], context: tuple[int, int]) -> None:
    trigram = KneserNeyTrigram(torch.tensor(train), SIZE)
    probabilities = trigram.probabilities(torch.arange(SIZE), torch.tensor([context] * SIZE))
    assert probabilities.sum().item() == pytest.approx(1)
    assert (probabilities > 0).all() or len(set(train)) <= SIZE


def test_what_followed_before_is_likely_to_follow_again() -> None:
    train = torch.tensor([0, 1, 2, 3, 0, 1, 2, 4, 0, 1, 2, 5, 0, 1, 6])
    trigram = KneserNeyTrigram(train, SIZE)
    after_0_1 = trigram.probabilities(torch.arange(SIZE), torch.tensor([[0, 1]] * SIZE))
    assert after_0_1.argmax() == 2


def test_discounts_come_from_the_counts_of_counts() -> None:
    """Trigrams of 0 1 0 1 0 2: (010) twice, (101) and (102) once; so D = 2 / (2 + 2·1) = 1/2."""
    trigram = KneserNeyTrigram(torch.tensor([0, 1, 0, 1, 0, 2]), 3)
    contexts = torch.tensor([[1, 0]] * 3)
    # Bigram types by continuation: 10, 01, 02, each once, D = 1: all mass goes to the unigram.
    # Unigram types: 0, 1, 2, each once, D = 1: all mass goes to the uniform third.
    # So P(w | 1 0) = max(c - 1/2, 0) / 2 + (1/2 · 2 / 2) / 3.
    expected = torch.tensor([1 / 6, 1 / 4 + 1 / 6, 1 / 4 + 1 / 6], dtype=torch.float64)
    torch.testing.assert_close(trigram.probabilities(torch.arange(3), contexts), expected)


def test_every_token_but_the_first_is_scored() -> None:
    trigram = KneserNeyTrigram(torch.tensor([0, 1, 2, 3, 0, 1, 2]), SIZE)
    assert trigram.log_likelihoods(torch.tensor([0, 1, 2, 3])).shape == (3,)


def test_the_unigram_adds_one_to_every_count() -> None:
    scores = unigram_log_likelihoods(torch.tensor([1, 1, 2]), torch.tensor([0, 1, 7]), SIZE)
    assert scores.tolist() == pytest.approx([math.log(3 / 11), math.log(1 / 11)])
