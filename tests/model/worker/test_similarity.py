"""The most similar tokens are those that torch finds in the checkpoint, in portions or at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from transformers import GPT2LMHeadModel

from bot.model.gpt2.transformer import GPT2
from bot.model.protocol import Alike, Lookup, Similar
from bot.model.worker import similarity
from bot.model.worker.similarity import Similarity
from tests.model.conftest import OVERFLOWS, gpt2_of, overflowing_model, random_model

# Compiling a model takes a second.
pytestmark = pytest.mark.slow

VOCABULARY = 211


def exact(model: GPT2LMHeadModel, token_id: int) -> Tensor:
    """The cosines of a token with all, by torch's own function on the checkpoint's table."""
    table = model.transformer.wte.weight.detach()
    return functional.cosine_similarity(table, table[token_id : token_id + 1])


def answer(model: GPT2, token_id: int, count: int = 10) -> tuple[Alike, ...]:
    alike = Similarity(model)
    alike.submit(Lookup("a", token_id, count))
    while not (answers := alike.step()):
        assert not alike.idle
    assert alike.idle
    (similar,) = answers
    assert similar.lookup_id == "a"
    assert similar.tokens is not None
    return similar.tokens


@pytest.mark.parametrize("token_id", [0, 100, VOCABULARY - 1])
def test_the_most_similar_tokens_have_the_greatest_cosines(
    gpt2: GPT2, reference: GPT2LMHeadModel, token_id: int
) -> None:
    cosines = exact(reference, token_id)
    cosines[token_id] = -2.0
    best, ids = cosines.topk(10)
    tokens = answer(gpt2, token_id)

    assert [token.token_id for token in tokens] == ids.tolist()
    assert [token.cosine for token in tokens] == pytest.approx(best.tolist(), abs=1e-6)


def test_every_token_is_compared(gpt2: GPT2, reference: GPT2LMHeadModel) -> None:
    cosines = exact(reference, 7)
    tokens = answer(gpt2, 7, count=VOCABULARY)

    assert sorted(token.token_id for token in tokens) == [n for n in range(VOCABULARY) if n != 7]
    for token in tokens:
        assert token.cosine == pytest.approx(cosines[token.token_id].item(), abs=1e-6)


def test_in_other_precisions_the_cosines_are_those_of_the_rounded_numbers(
    precise: GPT2, reference: GPT2LMHeadModel
) -> None:
    cosines = exact(reference, 7)
    within = {"float32": 1e-6, "bfloat16": 0.006, "int8": 0.02}[precise.precision]

    for token in answer(precise, 7, count=VOCABULARY):
        assert token.cosine == pytest.approx(cosines[token.token_id].item(), abs=within)


def test_the_embedding_is_compared_even_with_an_untied_head() -> None:
    reference = random_model(tie_word_embeddings=False)
    (first, *_) = answer(gpt2_of(random_model(tie_word_embeddings=False)), 7)
    cosines = exact(reference, 7)
    cosines[7] = -2.0

    assert first.token_id == int(cosines.argmax())


@pytest.mark.parametrize("portion", [1, 50, VOCABULARY - 1, VOCABULARY])
def test_portions_change_nothing(gpt2: GPT2, monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    whole = answer(gpt2, 7)
    monkeypatch.setattr(similarity, "PORTION", portion)
    cut = answer(gpt2, 7)

    assert [token.token_id for token in cut] == [token.token_id for token in whole]
    assert [token.cosine for token in cut] == pytest.approx([token.cosine for token in whole], abs=1e-6)


def test_a_step_compares_one_portion(gpt2: GPT2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similarity, "PORTION", 100)
    rows: list[int] = []

    def counted(of: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def embedding(ids: Tensor) -> Tensor:
            rows.append(len(ids))
            return of(ids)

        return embedding

    monkeypatch.setattr(gpt2, "embedding", counted(gpt2.embedding))
    alike = Similarity(gpt2)
    alike.submit(Lookup("a", 7, 3))

    assert alike.step() == []
    assert rows == [100, 1]


def test_lookups_are_answered_in_order(gpt2: GPT2) -> None:
    alike = Similarity(gpt2)
    assert alike.idle
    assert alike.step() == []
    for name, token_id in (("a", 1), ("b", 2)):
        alike.submit(Lookup(name, token_id, 3))
    answers: list[Similar] = []
    while not alike.idle:
        answers += alike.step()

    assert [similar.lookup_id for similar in answers] == ["a", "b"]
    assert [similar.tokens for similar in answers] == [answer(gpt2, 1, 3), answer(gpt2, 2, 3)]


@pytest.mark.parametrize("token_id", [-1, VOCABULARY])
def test_an_unknown_id_has_no_similar_tokens(gpt2: GPT2, token_id: int) -> None:
    assert answer(gpt2, token_id) == ()


@pytest.mark.parametrize("count", [-1, 0])
def test_a_count_of_zero_finds_none(gpt2: GPT2, count: int) -> None:
    assert answer(gpt2, 7, count) == ()


def test_a_token_with_nan_is_similar_to_none() -> None:
    model = gpt2_of(overflowing_model())

    assert answer(model, OVERFLOWS) == ()
    assert OVERFLOWS not in [token.token_id for token in answer(model, 7, count=VOCABULARY)]


def test_a_token_of_zeros_is_similar_to_none() -> None:
    zeroed = random_model()
    with torch.no_grad():
        zeroed.transformer.wte.weight[3] = 0.0

    assert answer(gpt2_of(zeroed), 3) == ()


def test_a_failed_lookup_is_reported_and_the_next_one_answered(
    gpt2: GPT2, monkeypatch: pytest.MonkeyPatch
) -> None:
    alike = Similarity(gpt2)
    alike.submit(Lookup("a", 7, 10))
    alike.submit(Lookup("b", 7, 10))
    with monkeypatch.context() as lacking:

        def refused(ids: Tensor) -> Tensor:
            raise MemoryError

        lacking.setattr(gpt2, "embedding", refused)
        assert alike.step() == [Similar("a", None)]
    while not (answers := alike.step()):
        assert not alike.idle
    assert answers == [Similar("b", answer(gpt2, 7))]
