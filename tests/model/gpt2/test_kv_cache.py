"""Sequences lie side by side in a store and do not affect each other."""

from __future__ import annotations

import random
import resource
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.model.gpt2.kv_cache import KEPT_BYTES, KVCache, KVStore
from bot.model.kernels.attend import KEY_BLOCK
from bot.model.kernels.builder import LANES


def store_of(slots: int = 1, *, layers: int = 2, context: int = 640, kept: int = KEPT_BYTES) -> KVStore:
    return KVStore(slots=slots, layers=layers, heads=2, head_width=3, context=context, kept=kept)


def extend(cache: KVCache, count: int, value: float) -> None:
    """Append ``count`` positions of ``value`` in all layers."""
    cache.check_room(count)
    for layer in cache.store.layers:
        layer[:, cache.slot, :, cache.length : cache.length + count] = value
    cache.length += count


def content(cache: KVCache) -> list[float]:
    """The value at each position, which is the same in all layers."""
    seen = [layer[:, cache.slot, :, : cache.length] for layer in cache.store.layers]
    assert all((layer == seen[0][:1, :1, :, :1]).all() for layer in seen)
    values: list[float] = seen[0][0, 0, :, 0].tolist()
    return values


@pytest.mark.parametrize("context", [1, 20, 64, 65, 100])
def test_a_slot_has_room_for_the_context_in_whole_blocks_of_keys(context: int) -> None:
    store = store_of(context=context)
    assert store.layers[0].size(3) % KEY_BLOCK == 0
    assert 0 <= store.layers[0].size(3) - context < KEY_BLOCK
    store.new_cache().check_room(context)


def test_positions_beyond_the_context_are_refused() -> None:
    cache = store_of().new_cache()
    with pytest.raises(ValueError, match="641 positions do not fit a context of 640"):
        cache.check_room(641)
    extend(cache, 600, 1.0)
    with pytest.raises(ValueError, match="context"):
        cache.check_room(41)


def test_the_lowest_free_slot_is_taken() -> None:
    store = store_of(3)
    caches = [store.new_cache() for _ in range(3)]
    assert [cache.slot for cache in caches] == [0, 1, 2]
    store.release(caches[2])
    store.release(caches[0])
    assert [store.new_cache().slot, store.new_cache().slot] == [0, 2]
    with pytest.raises(IndexError):
        store.new_cache()


@pytest.mark.parametrize(("together", "kept"), [(1, True), (2, False)])
def test_the_last_sequence_returns_filled_memory_unless_it_is_little(together: int, kept: bool) -> None:
    store = store_of(3, kept=store_of().bytes_for(100))
    for _ in range(3):
        before = [layer.data_ptr() for layer in store.layers], store.generation
        caches = [store.new_cache() for _ in range(together)]
        for cache in caches:
            extend(cache, 100, 1.0)
        for cache in caches[:-1]:
            store.release(cache)
            assert store.filled_bytes
        store.release(caches[-1])
        assert (store.generation == before[1]) == kept
        assert (store.filled_bytes == store.bytes_for(100)) == kept


def test_unused_memory_is_returned_on_request() -> None:
    store = store_of(2)
    first, second = store.new_cache(), store.new_cache()
    extend(first, 100, 1.0)
    store.release(first)
    store.give_back()
    assert store.generation == 0  # the second still uses it
    store.release(second)
    assert store.filled_bytes == store.bytes_for(100)
    for _ in range(2):
        store.give_back()
        assert (store.filled_bytes, store.generation) == (0, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what takes memory")
def test_a_store_takes_only_the_memory_it_fills() -> None:
    store = KVStore(slots=8, layers=12, heads=12, head_width=64, context=1024)
    before = resident()
    cache = store.new_cache()
    extend(cache, 64, 1.0)
    assert 0.9 < (resident() - before) / store.bytes_for(64) < 1.5


def resident() -> int:
    """Bytes of resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_a_cache_counts_the_bytes_of_its_positions_in_all_layers() -> None:
    cache = store_of(4, layers=3).new_cache()
    assert cache.nbytes == 0
    extend(cache, 65, 1.0)
    # Keys and values of two heads, each as wide as whole vectors, in whole blocks of keys.
    assert cache.nbytes == 3 * 2 * 2 * 96 * LANES * 4


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
def test_each_sequence_keeps_its_own_numbers_while_others_come_and_go(seed: int) -> None:
    chance = random.Random(seed)
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


def test_a_prefix_copies_the_whole_block_of_its_last_key() -> None:
    """A key's numbers are spread over its block, so part of a block is not a contiguous part of memory."""
    cache = store_of().new_cache()
    cache.check_room(40)
    for layer in cache.store.layers:
        layer[:, cache.slot, :, :40] = 1.0
    cache.length = 20
    copy = cache.prefix(17)
    assert all((layer[:, :, :, :32] == 1.0).all() for layer in copy.store.layers)


def test_in_bfloat16_a_cache_and_its_prefixes_take_half_the_memory() -> None:
    sizes = {}
    for dtype in (torch.float32, torch.bfloat16):
        store = KVStore(slots=1, layers=2, heads=2, head_width=3, context=640, dtype=dtype)
        cache = store.new_cache()
        extend(cache, 100, 1.0)
        copy = cache.prefix(40)
        assert content(copy) == [1.0] * 40
        sizes[dtype] = cache.nbytes, copy.nbytes
    assert sizes[torch.float32] == tuple(2 * size for size in sizes[torch.bfloat16])


@given(st.integers(1, 200), st.data())
def test_a_prefix_has_the_first_positions_and_no_more_room_than_they_need(
    length: int, data: st.DataObject
) -> None:
    cache = store_of().new_cache()
    extend(cache, length, 1.0)
    kept = data.draw(st.integers(1, length))
    copy = cache.prefix(kept)
    assert content(copy) == [1.0] * kept
    assert 0 <= copy.store.layers[0].size(3) - kept < KEY_BLOCK


def test_a_prefix_and_its_source_are_independent() -> None:
    cache = store_of(2).new_cache()
    extend(cache, 100, 1.0)
    copy = cache.prefix(40)
    for layer in copy.store.layers:
        layer.fill_(2.0)
    extend(cache, 100, 3.0)
    assert content(copy) == [2.0] * 40
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
