"""Which texts' keys and values are kept, recalled and forgotten."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bot.model.gpt2.kv_cache import KVCache, KVStore
from bot.model.kernels.attend import KEY_BLOCK
from bot.model.kernels.builder import LANES
from bot.model.worker.prefix_cache import PrefixCache, alike

ROOMY = 10**6
BYTES_OF_A_BLOCK = 2 * KEY_BLOCK * LANES * 4

Ids = tuple[int, ...]


def empty_cache() -> KVCache:
    return KVStore(slots=1, layers=1, heads=1, head_width=1, context=640).new_cache()


def cache_of(ids: Ids) -> KVCache:
    """Its values are the ids."""
    cache = empty_cache()
    cache.check_room(len(ids))
    cache.length = len(ids)
    cache.store.layers[0][1, 0, 0, : cache.length, 0] = torch.tensor(ids)
    return cache


def keep(prefixes: PrefixCache, *texts: Ids) -> None:
    for ids in texts:
        prefixes.keep(ids, cache_of(ids))


def recalled(prefixes: PrefixCache, *ids: int) -> list[int]:
    """The ids of a text whose values are cached, without changing the order of use."""
    cache = empty_cache()
    prefixes.recall(ids, cache)
    values: list[int] = cache.store.layers[0][1, 0, 0, : cache.length, 0].int().tolist()
    return values


def texts() -> st.SearchStrategy[Ids]:
    return st.lists(st.integers(0, 1), min_size=1, max_size=6).map(tuple)


def test_texts_are_alike_until_an_id_differs() -> None:
    assert alike((1, 2, 3, 4), (1, 2, 9, 4)) == 2
    assert alike((1, 2), (1, 2, 3)) == 2
    assert alike((1,), (2,)) == 0


@given(texts(), texts())
def test_equal_positions_have_the_same_id(one: Ids, other: Ids) -> None:
    count = alike(one, other)
    assert count == alike(other, one)
    assert one[:count] == other[:count]
    assert count == min(len(one), len(other)) or one[count] != other[count]


def test_the_known_part_of_a_text_is_recalled() -> None:
    prefixes = PrefixCache(ROOMY)
    keep(prefixes, (1, 2, 3))
    assert recalled(prefixes, 1, 2, 3, 4) == [1, 2, 3]
    assert recalled(prefixes, 1, 2, 9, 9) == [1, 2]


def test_the_last_position_is_left_to_be_computed() -> None:
    prefixes = PrefixCache(ROOMY)
    keep(prefixes, (1, 2, 3))
    assert recalled(prefixes, 1, 2, 3) == [1, 2]
    assert recalled(prefixes, 1) == []


def test_nothing_is_recalled_of_an_unknown_text() -> None:
    prefixes = PrefixCache(ROOMY)
    keep(prefixes, (1, 2, 3))
    assert recalled(prefixes, 2, 2, 3) == []


def test_what_is_kept_is_a_copy() -> None:
    prefixes, cache = PrefixCache(ROOMY), cache_of((1, 2))
    prefixes.keep((1, 2), cache)
    cache.store.layers[0].fill_(7)
    assert recalled(prefixes, 1, 2, 3) == [1, 2]


@pytest.mark.slow
@given(st.lists(texts(), max_size=6), texts())
def test_the_longest_known_beginning_is_recalled(known: list[Ids], wanted: Ids) -> None:
    prefixes = PrefixCache(ROOMY)
    keep(prefixes, *known)
    longest = max((min(alike(one, wanted), len(wanted) - 1) for one in known), default=0)
    assert recalled(prefixes, *wanted) == list(wanted[:longest])


def test_a_text_that_grows_is_kept_once() -> None:
    prefixes = PrefixCache(ROOMY)
    for count in range(1, 6):
        keep(prefixes, tuple(range(count + 1)))
    assert len(prefixes) == 1
    assert recalled(prefixes, *range(9)) == [0, 1, 2, 3, 4, 5]


def test_nothing_is_kept_with_a_capacity_of_zero() -> None:
    prefixes = PrefixCache(0)
    keep(prefixes, (1, 2))
    assert len(prefixes) == 0


def test_a_text_larger_than_the_cache_is_not_kept_and_evicts_nothing() -> None:
    prefixes = PrefixCache(BYTES_OF_A_BLOCK)
    keep(prefixes, (1, 2), tuple(range(10, 43)))
    assert recalled(prefixes, 1, 2, 3) == [1, 2]
    assert recalled(prefixes, 10, 11, 12) == []


def test_an_empty_text_is_not_kept() -> None:
    prefixes = PrefixCache(ROOMY)
    prefixes.keep((), empty_cache())
    assert len(prefixes) == 0


def test_the_least_recently_used_is_forgotten_first() -> None:
    prefixes = PrefixCache(3 * BYTES_OF_A_BLOCK)
    keep(prefixes, (1, 1), (2, 2), (3, 3))
    recalled(prefixes, 1, 1, 5)
    keep(prefixes, (4, 4))
    assert [first for first in (1, 2, 3, 4) if recalled(prefixes, first, first, 9)] == [1, 3, 4]


def test_keeping_a_text_again_takes_no_more_room_and_counts_as_use() -> None:
    prefixes = PrefixCache(2 * BYTES_OF_A_BLOCK)
    keep(prefixes, (1, 2), (3, 4), (1, 2), (5, 6))
    assert len(prefixes) == 2
    assert [recalled(prefixes, *ids, 9) for ids in ((1, 2), (3, 4), (5, 6))] == [[1, 2], [], [5, 6]]


@given(
    st.integers(0, 4 * BYTES_OF_A_BLOCK),
    st.lists(st.tuples(st.booleans(), texts(), st.integers(0, 200)), max_size=20),
)
def test_it_stays_within_its_capacity(capacity: int, uses: list[tuple[bool, Ids, int]]) -> None:
    prefixes = PrefixCache(capacity)
    for keeps, one, more in uses:
        longer = (*one, *range(2, 2 + more))
        if keeps:
            keep(prefixes, longer)
        else:
            recalled(prefixes, *longer)
        used = sum(cache.nbytes for cache in prefixes._entries.values())
        assert used == prefixes._used
        assert used <= capacity


@pytest.mark.parametrize("length", [1, 31, 32, 33, 200])
def test_a_text_takes_the_room_that_its_positions_need(length: int) -> None:
    prefixes, needed = PrefixCache(ROOMY), -(-length // KEY_BLOCK) * BYTES_OF_A_BLOCK
    cache = empty_cache()
    cache.check_room(640)
    cache.length = length
    prefixes.keep((*range(length),), cache)
    assert prefixes._used == needed
