"""Sequences lie side by side in a store, each as if it were alone there."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model.kv_cache import KEPT, KVCache, KVStore
from bot.model.native.attention import KEYS
from bot.model.native.emit import LANES


def store_of(slots: int = 1, *, layers: int = 2, context: int = 640, kept: int = KEPT) -> KVStore:
    return KVStore(slots=slots, layers=layers, heads=2, head_width=3, context=context, kept=kept)


def extend(cache: KVCache, count: int, value: float) -> None:
    """Put ``count`` positions of ``value`` behind the others, in all layers."""
    cache.reserve(count)
    for layer in cache.store.layers:
        layer[:, cache.slot, :, cache.length : cache.length + count] = value
    cache.length += count


def content(cache: KVCache) -> list[float]:
    """The value at each position, which is the same in all layers."""
    seen = [layer[:, cache.slot, :, : cache.length] for layer in cache.store.layers]
    assert all((layer == seen[0][:1, :1, :, :1]).all() for layer in seen)
    values: list[float] = seen[0][0, 0, :, 0].tolist()
    return values


def test_a_store_takes_no_more_than_its_longest_text_needs_and_never_more_than_the_context() -> None:
    store = store_of()
    cache = store.new_cache()
    capacities = set()
    for _ in range(600):
        cache.reserve(1)
        cache.length += 1
        capacities.add(store.capacity)
    assert capacities == {64, 128, 256, 512, 640}


@pytest.mark.parametrize("context", [1, 20, 64, 65, 100])
def test_there_is_always_room_for_whole_blocks_of_keys(context: int) -> None:
    store = store_of(context=context)
    cache = store.new_cache()
    for _ in range(context):
        cache.reserve(1)
        cache.length += 1
        assert cache.length <= store.capacity
        assert store.capacity % KEYS == 0


def test_nothing_fits_behind_the_context() -> None:
    cache = store_of().new_cache()
    with pytest.raises(ValueError, match="641 positions do not fit a context of 640"):
        cache.reserve(641)
    extend(cache, 600, 1.0)
    with pytest.raises(ValueError, match="context"):
        cache.reserve(41)


def test_the_lowest_free_slot_is_taken() -> None:
    store = store_of(3)
    caches = [store.new_cache() for _ in range(3)]
    assert [cache.slot for cache in caches] == [0, 1, 2]
    store.release(caches[2])
    store.release(caches[0])
    assert [store.new_cache().slot, store.new_cache().slot] == [0, 2]
    with pytest.raises(IndexError):
        store.new_cache()


def test_the_room_is_given_back_with_the_last_sequence() -> None:
    store = store_of(2, kept=0)
    caches = [store.new_cache(), store.new_cache()]
    extend(caches[0], 100, 1.0)
    store.release(caches[0])
    assert store.capacity == 128
    store.release(caches[1])
    assert store.capacity == 0
    assert sum(layer.nbytes for layer in store.layers) == 0


@pytest.mark.parametrize(("together", "capacity"), [(1, 128), (2, 0)])
def test_it_is_kept_for_the_next_text_unless_more_was_filled_than_may_be(
    together: int, capacity: int
) -> None:
    store = store_of(3, kept=store_of().bytes_for(100))
    for _ in range(3):
        caches = [store.new_cache() for _ in range(together)]
        extend(caches[-1], 100, 1.0)
        for cache in caches:
            store.release(cache)
        assert store.capacity == capacity


def test_its_bytes_are_those_of_its_slot_in_all_layers() -> None:
    cache = store_of(4, layers=3).new_cache()
    assert cache.nbytes == 0
    extend(cache, 65, 1.0)
    # Keys and values of two heads, each as wide as whole vectors.
    assert cache.nbytes == 3 * 2 * 2 * 128 * LANES * 4


@given(st.integers(0, 2**32 - 1))
def test_each_sequence_keeps_its_own_numbers_whatever_comes_and_goes_beside_it(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - nothing here is secret
    store, expected = store_of(4), dict[KVCache, list[float]]()
    for n in range(30):
        cache = chance.choice([*expected, None])
        if cache is None:
            if len(expected) < 4:
                expected[store.new_cache()] = []
        elif chance.random() < 0.2:
            store.release(cache)
            del expected[cache]
        else:
            count = chance.randint(1, 100) if cache.length < 500 else 1
            extend(cache, count, float(n))
            expected[cache] += [float(n)] * count
        assert all(content(cache) == values for cache, values in expected.items())


def test_a_prefix_has_the_whole_block_in_which_its_last_key_lies() -> None:
    """The keys of a block lie across it, so that a part of it is not a part of its memory."""
    cache = store_of().new_cache()
    cache.reserve(40)
    for layer in cache.store.layers:
        layer[:, cache.slot, :, :40] = 1.0
    cache.length = 20
    copy = cache.prefix(17)
    assert all((layer[:, :, :, :32] == 1.0).all() for layer in copy.store.layers)


@given(st.integers(1, 200), st.data())
def test_a_prefix_has_the_first_positions_and_as_much_room_as_they_need(
    length: int, data: st.DataObject
) -> None:
    cache = store_of().new_cache()
    extend(cache, length, 1.0)
    kept = data.draw(st.integers(1, length))
    copy = cache.prefix(kept)
    assert content(copy) == [1.0] * kept
    assert kept <= copy.store.capacity < kept + 64


def test_a_prefix_and_what_it_was_made_from_go_on_without_each_other() -> None:
    cache = store_of(2).new_cache()
    extend(cache, 100, 1.0)
    copy = cache.prefix(40)
    extend(copy, 2, 2.0)
    extend(cache, 100, 3.0)
    assert content(copy) == [1.0] * 40 + [2.0] * 2
    assert content(cache) == [1.0] * 100 + [3.0] * 100


def test_a_cache_can_begin_with_a_part_of_another() -> None:
    source, store = store_of().new_cache(), store_of(2)
    neighbour, cache = store.new_cache(), store.new_cache()
    extend(source, 100, 1.0)
    extend(neighbour, 3, 2.0)
    cache.begin_with(source, 70)
    extend(cache, 1, 4.0)
    assert content(cache) == [1.0] * 70 + [4.0]
    assert content(neighbour) == [2.0] * 3
    assert content(source) == [1.0] * 100
