"""Keys and values of the sequences that run."""

from __future__ import annotations

import heapq

import torch

from bot.model.native.attention import KEYS
from bot.model.native.emit import LANES

# So many bytes are kept for the next text: for the system to find and clear them again
# takes a twentieth of the time in which a long prompt is read.
KEPT = 256 * 2**20

# Capacities are multiples of this.
_POSITIONS = 2 * KEYS


class KVStore:
    """Up to ``slots`` sequences, side by side so that one operation serves them all.

    A layer is one [2, slots, heads, capacity, head width] tensor of float32: keys,
    then values, as ``bot.model.native.attention`` lays them out. The capacity doubles
    as the longest sequence grows, up to the context. When the last sequence leaves, it
    is given back, unless the sequences have filled no more than ``kept`` bytes.
    """

    def __init__(
        self, *, slots: int, layers: int, heads: int, head_width: int, context: int, kept: int = KEPT
    ) -> None:
        self.context = context
        self._kept = kept
        self._shape = (slots, heads, _whole(head_width, LANES))
        self._free = list(range(slots))
        self._used: dict[int, KVCache] = {}
        # Slots that may have been written to since there are these layers.
        self._touched = 0
        # Counts how often they were others.
        self.generation = 0
        self.layers = [torch.empty(0)] * layers
        self._allocate(0)

    @property
    def capacity(self) -> int:
        """Positions there is room for, in every slot."""
        return self.layers[0].size(3)

    def bytes_for(self, positions: int) -> int:
        """Bytes that a slot of so many positions occupies."""
        _, heads, head_width = self._shape
        return 2 * heads * _whole(positions, _POSITIONS) * head_width * len(self.layers) * 4

    def new_cache(self) -> KVCache:
        """An empty cache in the lowest free slot; IndexError if there is none."""
        slot = heapq.heappop(self._free)
        self._touched = max(self._touched, slot + 1)
        cache = self._used[slot] = KVCache(self, slot)
        return cache

    def release(self, cache: KVCache) -> None:
        """Free the slot of ``cache``, which must not be used afterwards."""
        del self._used[cache.slot]
        heapq.heappush(self._free, cache.slot)
        if not self._used and self._touched * self.bytes_for(self.capacity) > self._kept:
            self._allocate(0)

    def reserve(self, positions: int) -> None:
        """Have a capacity of ``positions`` at least; ValueError beyond the context."""
        if positions > self.context:
            raise ValueError(f"{positions} positions do not fit a context of {self.context}")
        if positions > self.capacity:
            wanted = max(2 * self.capacity, _whole(positions, _POSITIONS))
            self._allocate(min(wanted, _whole(self.context, _POSITIONS)))

    def _allocate(self, capacity: int) -> None:
        """Move the sequences to tensors of ``capacity``."""
        slots, heads, head_width = self._shape
        self._touched = max(self._used, default=-1) + 1
        self.generation += 1
        for index, old in enumerate(self.layers):
            # Not zeros: a slot that nobody uses then takes no memory.
            new = torch.empty(2, slots, heads, capacity, head_width)
            for slot, cache in self._used.items():
                new[:, slot, :, : cache.stored] = old[:, slot, :, : cache.stored]
            self.layers[index] = new


class KVCache:
    """One sequence's keys and values: the first ``length`` positions of a slot."""

    def __init__(self, store: KVStore, slot: int) -> None:
        self.store, self.slot = store, slot
        self.length = 0

    @property
    def nbytes(self) -> int:
        """Bytes that its slot occupies."""
        return self.store.bytes_for(self.store.capacity)

    @property
    def stored(self) -> int:
        """``length`` rounded up to the blocks in which keys are stored."""
        return _whole(self.length, KEYS)

    def reserve(self, count: int) -> None:
        """Make room for ``count`` more positions; ValueError beyond the context."""
        self.store.reserve(self.length + count)

    def prefix(self, length: int) -> KVCache:
        """A copy of the first ``length`` positions, in a store of its own."""
        _, heads, _, head_width = self.store.layers[0][0].shape
        store = KVStore(
            slots=1,
            layers=len(self.store.layers),
            heads=heads,
            head_width=head_width,
            context=self.store.context,
        )
        copy = store.new_cache()
        copy.begin_with(self, length)
        return copy

    def begin_with(self, other: KVCache, length: int) -> None:
        """Become a copy of the first ``length`` positions of ``other``."""
        self.length = 0
        self.store.reserve(length)
        self.length = length
        for mine, theirs in zip(self.store.layers, other.store.layers, strict=True):
            mine[:, self.slot, :, : self.stored] = theirs[:, other.slot, :, : self.stored]


def _whole(count: int, multiple: int) -> int:
    """``count`` rounded up to a multiple of ``multiple``."""
    return -(-count // multiple) * multiple
