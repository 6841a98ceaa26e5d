import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import GPT2Model

from bot.training.batches import Batches
from bot.training.config import TrainingConfig
from bot.training.corpus import CompactVocabulary, Corpus
from bot.training.training import Trainer, rate_factor, train

CONFIG = TrainingConfig(
    budget=1.0,
    batch_tokens=256,
    short_time=16,
    sampled_ids=20,
    matmul_dtype=torch.float32,
    log_every=0.2,
)


@given(st.floats(0, 1), st.floats(0.001, 0.5))
def test_the_rate_stays_between_nothing_and_its_peak(share: float, warm_up: float) -> None:
    assert 0 <= rate_factor(share, warm_up) <= 1
    assert rate_factor(warm_up, warm_up) == pytest.approx(1)
    assert rate_factor(1.0, warm_up) == 0


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_share_a_batch_without_changing_the_update(
    network: GPT2Model, corpus: Corpus, vocabulary: CompactVocabulary, threads: int
) -> None:
    alone, together = copy.deepcopy(network), copy.deepcopy(network)
    batch = next(Batches(corpus.train, vocabulary, CONFIG, 32, seed=0).windows(16))
    losses = []
    for net, count in ((alone, 1), (together, threads)):
        config = TrainingConfig(**{**vars(CONFIG), "threads": count})
        with ThreadPoolExecutor(count) as pool:
            losses.append(Trainer(net, vocabulary, config, pool).step(batch, share=0.9))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for a, b in zip(alone.parameters(), together.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.slow
def test_a_short_run_learns_for_as_long_as_it_may(
    network: GPT2Model, corpus: Corpus, vocabulary: CompactVocabulary
) -> None:
    batch = next(Batches(corpus.train, vocabulary, CONFIG, 32, seed=9).windows(32))
    with ThreadPoolExecutor(2) as pool:
        before = Trainer(copy.deepcopy(network), vocabulary, CONFIG, pool).step(batch, share=0.99)
        progress = train(network, corpus, vocabulary, CONFIG)
        after = Trainer(copy.deepcopy(network), vocabulary, CONFIG, pool).step(batch, share=0.99)
    assert after < before - 1
    assert progress.seconds >= CONFIG.budget
    assert progress.tokens > progress.steps > 0


def test_fine_tuning_is_gentle_and_sees_whole_windows() -> None:
    config = TrainingConfig(budget=60.0)
    after = config.gently(minutes=0.5)

    assert after.budget == 30.0
    assert after.matrix_rate == pytest.approx(0.3 * config.matrix_rate)
    assert after.short_share == after.sampled_share == 0.0


def test_a_run_leaves_torch_s_threads_as_they_were(
    network: GPT2Model, corpus: Corpus, vocabulary: CompactVocabulary
) -> None:
    before = torch.get_num_threads()
    train(network, corpus, vocabulary, TrainingConfig(**{**vars(CONFIG), "budget": 0.01}))
    assert torch.get_num_threads() == before
