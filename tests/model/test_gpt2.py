from __future__ import annotations

import weakref
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from bot.model.gpt2 import GPT2, PREFILL_CHUNK, Chunk, KVCache, UnsupportedModel
from tests.model.conftest import random_model
from tests.model.driving import seeded


def some_ids(count: int, *, seed: int = 0, vocabulary: int = 211) -> list[int]:
    random = seeded(seed)
    return [random.randrange(vocabulary) for _ in range(count)]


@torch.inference_mode()
def expected_logits(reference: GPT2LMHeadModel, ids: list[int]) -> Tensor:
    logits: Tensor = reference(torch.tensor([ids])).logits[0]
    return logits


@torch.inference_mode()
def prefilled(model: GPT2, ids: list[int]) -> tuple[KVCache, Tensor]:
    """The cache of ``ids`` and the logits after the last of them."""
    cache = model.new_cache()
    *_, last = model.prefill(cache, ids)
    return cache, model.logits(last[-1:])


@torch.inference_mode()
def decoded(model: GPT2, caches: list[KVCache], ids: list[int]) -> list[Tensor]:
    """One step for each cache in a shared pass: the logits after each id."""
    chunks = [Chunk(cache, (token_id,)) for cache, token_id in zip(caches, ids, strict=True)]
    return model.next_logits(model.forward(chunks))


LENGTHS = [1, 2, 7, PREFILL_CHUNK - 1, PREFILL_CHUNK, PREFILL_CHUNK + 1, 2 * PREFILL_CHUNK + 33]


@pytest.mark.parametrize("length", LENGTHS)
def test_logits_are_those_of_transformers(gpt2: GPT2, reference: GPT2LMHeadModel, length: int) -> None:
    ids = some_ids(length)
    with torch.inference_mode():
        logits = gpt2.all_logits(ids)
    torch.testing.assert_close(logits, expected_logits(reference, ids), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    "config",
    [
        {"n_head": 1, "n_embd": 24, "vocab_size": 97},
        {"n_layer": 3, "n_head": 4, "n_embd": 12},
        {"scale_attn_by_inverse_layer_idx": True},
        {"scale_attn_weights": False},
        {"n_inner": 40},
        {"tie_word_embeddings": False},
        {"activation_function": "gelu_pytorch_tanh"},
    ],
    ids=str,
)
@pytest.mark.parametrize("packed", [None, False])
def test_variants_of_gpt2_compute_what_transformers_does(config: dict[str, Any], packed: bool | None) -> None:
    ids = some_ids(40, vocabulary=97)
    with torch.inference_mode():
        logits = GPT2(random_model(**config), packed=packed).all_logits(ids)
    torch.testing.assert_close(logits, expected_logits(random_model(**config), ids), atol=1e-4, rtol=0)


def test_decoding_step_by_step_gives_the_logits_of_the_whole_text(
    gpt2: GPT2, reference: GPT2LMHeadModel
) -> None:
    ids = some_ids(200)
    cache, logits = prefilled(gpt2, ids[:50])
    rows = [logits[0]]
    for token_id in ids[50:]:
        rows += decoded(gpt2, [cache], [token_id])
    assert cache.length == len(ids)
    torch.testing.assert_close(torch.stack(rows), expected_logits(reference, ids)[49:], atol=1e-4, rtol=0)


@pytest.mark.parametrize("packed", [None, False])
def test_a_sequence_has_the_same_bits_alone_and_among_seven_others(packed: bool | None) -> None:
    model = GPT2(random_model(), packed=packed)
    texts = [some_ids(length, seed=length) for length in (1, 2, 3, 30, 64, 65, 255, 300)]
    following = [some_ids(12, seed=100 + n) for n in range(len(texts))]
    alone = []
    for text, ids in zip(texts, following, strict=True):
        cache, logits = prefilled(model, text)
        alone.append([logits[0], *(decoded(model, [cache], [i])[0] for i in ids)])
    starts = [prefilled(model, text) for text in texts]
    together = [[first[0]] for _, first in starts]
    for column in zip(*following, strict=True):
        step = decoded(model, [cache for cache, _ in starts], list(column))
        for rows, row in zip(together, step, strict=True):
            rows.append(row)
    for mine, theirs in zip(alone, together, strict=True):
        assert torch.equal(torch.stack(mine), torch.stack(theirs))


@pytest.mark.parametrize("threads", [2, 3])
def test_neighbours_do_not_matter_with_other_thread_counts(gpt2: GPT2, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        texts = [some_ids(length, seed=length) for length in (9, 70, 300)]
        alone = [decoded(gpt2, [prefilled(gpt2, text)[0]], [5])[0] for text in texts]
        together = decoded(gpt2, [prefilled(gpt2, text)[0] for text in texts], [5, 5, 5])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(torch.stack(alone), torch.stack(together))


def test_a_cache_takes_no_more_than_its_text_needs_and_never_more_than_the_context(gpt2: GPT2) -> None:
    cache = gpt2.new_cache()
    capacities = set()
    for _ in range(640):
        cache.reserve(1)
        cache.length += 1
        capacities.add(cache._layers[0].size(2))
    assert capacities == {64, 128, 256, 512, 640}


def test_nothing_fits_behind_the_context(gpt2: GPT2) -> None:
    with pytest.raises(ValueError, match="context of 640"):
        gpt2.new_cache().reserve(641)


def test_each_weight_is_freed_when_it_is_packed() -> None:
    source: Any = random_model()
    watched = [weakref.ref(block.mlp.c_fc.weight) for block in source.transformer.h]
    held: list[list[bool]] = []
    GPT2(source, packed=True, on_layer=lambda done: held.append([ref() is not None for ref in watched]))
    assert held == [[False, True], [False, False]]


@pytest.mark.parametrize("config", [{"activation_function": "relu"}, {"add_cross_attention": True}])
def test_a_variant_that_it_cannot_compute_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedModel):
        GPT2(random_model(**config))
