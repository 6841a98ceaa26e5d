from __future__ import annotations

import gc
import weakref

import pytest
import torch

from bot.model.gpt2.kv_cache import KVStore
from bot.model.gpt2.transformer import GPT2
from tests.model.conftest import gpt2_of, random_model
from tests.support.driving import every_row, some_ids, torch_threads


def passes(gpt2: GPT2, store: KVStore) -> int:
    """How many passes are kept for ``store``."""
    _, kept = gpt2._passes._kept.get(store, (0, {}))
    return len(kept)


def test_a_pass_of_the_same_shape_is_used_again(gpt2: GPT2) -> None:
    store = gpt2.new_store(2)
    one, other = store.new_cache(), store.new_cache()
    for _ in range(3):
        gpt2.forward([every_row(one, [1])])
        gpt2.forward([every_row(one, [1]), every_row(other, [2])])
        gpt2.forward([every_row(other, [1, 2])])
    assert passes(gpt2, store) == 3


def test_the_next_pass_leaves_earlier_results_alone(gpt2: GPT2) -> None:
    cache = gpt2.new_store(1).new_cache()
    (first,) = gpt2.forward([every_row(cache, [5])])
    before = first.clone()
    gpt2.forward([every_row(cache, [6])])
    assert torch.equal(first, before)


@pytest.mark.slow
@pytest.mark.parametrize("width", [32, 40, 42])
def test_a_nan_does_not_affect_later_texts(width: int) -> None:
    """Rows are padded to whole panels. The weights there are 0, but 0 · NaN is NaN."""
    weights = random_model(n_embd=width, n_head=2)
    with torch.no_grad():
        weights.transformer.wte.weight[7] = torch.nan
    model = gpt2_of(weights)
    store = model.new_store(1)
    found = []
    for token_id in (5, 7, 5):
        cache = store.new_cache()
        found += model.forward([every_row(cache, [token_id])])
        store.release(cache)
    assert found[1].isnan().all()
    assert torch.equal(found[0], found[2])


def test_passes_do_not_outlive_the_memory_they_point_into(gpt2: GPT2) -> None:
    ids = some_ids(200)
    store = gpt2.new_store(1)
    cache = store.new_cache()
    expected = [gpt2.forward([every_row(cache, [token_id])])[0] for token_id in ids]
    store._kept = 0
    store.release(cache)
    assert store.generation == 1
    cache = store.new_cache()
    assert all(
        torch.equal(gpt2.forward([every_row(cache, [token_id])])[0], rows)
        for token_id, rows in zip(ids, expected, strict=True)
    )
    assert passes(gpt2, store) == 1
    gone = weakref.ref(store)
    del store, cache
    gc.collect()
    assert gone() is None


def test_passes_of_many_rows_are_not_kept_nor_are_more_than_sixteen(gpt2: GPT2) -> None:
    store = gpt2.new_store(1)
    cache = store.new_cache()
    gpt2.forward([every_row(cache, some_ids(17))])
    assert passes(gpt2, store) == 0
    for count in range(1, 17):
        gpt2.forward([every_row(cache, some_ids(count))])
    assert passes(gpt2, store) == 16
    gpt2.forward([every_row(cache, [1])])
    assert passes(gpt2, store) == 16
    with torch_threads(2):
        gpt2.forward([every_row(cache, [1])])
    assert passes(gpt2, store) == 1


def test_passes_of_one_row_of_each_of_many_sequences_are_kept(gpt2: GPT2) -> None:
    store = gpt2.new_store(65)
    caches = [store.new_cache() for _ in range(65)]
    for count, kept in ((17, 1), (64, 2), (64, 2), (65, 2)):
        gpt2.forward([every_row(cache, [1]) for cache in caches[:count]])
        assert passes(gpt2, store) == kept
