import pytest
import torch

from bot.training.batches import Batches
from bot.training.config import TrainingConfig
from bot.training.corpus import CompactVocabulary, Corpus, UnusableText

TIME, CONTEXT = 16, 32


def batches(corpus: Corpus, vocabulary: CompactVocabulary, unseen_share: float = 0.0) -> Batches:
    config = TrainingConfig(budget=1, batch_tokens=4 * TIME, unseen_share=unseen_share)
    return Batches(corpus.train, vocabulary, config, CONTEXT, seed=0)


def test_targets_are_the_next_ids(corpus: Corpus, vocabulary: CompactVocabulary) -> None:
    stream = vocabulary.encode(corpus.train).tolist()
    for ids, _, targets in batches(corpus, vocabulary).windows(TIME):
        assert ids.shape == targets.shape
        assert torch.equal(ids[:, 1:], targets[:, :-1])
        window = [*ids[0].tolist(), targets[0, -1].item()]
        assert any(stream[i : i + TIME + 1] == window for i in range(len(stream)))


def test_an_epoch_has_nearly_every_token_once(corpus: Corpus, vocabulary: CompactVocabulary) -> None:
    seen = sum(ids.numel() for ids, _, _ in batches(corpus, vocabulary).windows(TIME))
    assert len(corpus.train) - 2 * TIME <= seen <= len(corpus.train)


def test_positions_run_on_from_anywhere_in_the_context(corpus: Corpus, vocabulary: CompactVocabulary) -> None:
    firsts = set()
    for _, positions, _ in batches(corpus, vocabulary).windows(TIME):
        assert torch.equal(positions - positions[:, :1], torch.arange(TIME).expand_as(positions))
        assert int(positions.max()) < CONTEXT
        firsts |= set(positions[:, 0].tolist())
    assert len(firsts) > 5


def test_only_ids_that_occur_once_are_forgotten(corpus: Corpus, vocabulary: CompactVocabulary) -> None:
    once = {i for i, count in enumerate(vocabulary.counts.tolist()) if count == 1}
    assert once
    for ids, _, targets in batches(corpus, vocabulary, unseen_share=1.0).windows(TIME):
        assert not once & set(ids.flatten().tolist())
        assert not once & set(targets.flatten().tolist())


def test_a_text_shorter_than_two_windows_is_refused(vocabulary: CompactVocabulary, corpus: Corpus) -> None:
    short = Corpus(corpus.train[: 2 * TIME], corpus.held_out)
    with pytest.raises(UnusableText, match="more than 34 tokens"):
        next(batches(short, vocabulary).windows(TIME))
