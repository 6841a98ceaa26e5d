"""The KV cache of the running sequences."""

from __future__ import annotations

import heapq

import torch

from bot.model.gpt2.memory import untouched
from bot.model.kernels.attend import KEY_BLOCK
from bot.model.kernels.builder import LANES, round_up

# Bytes kept for the next text. The system takes a twentieth of a long prompt's prefill to find
# and clear them again.
KEPT_BYTES = 256 * 2**20


class KVStore:
    """Up to ``slots`` sequences, side by side so that one operation serves them all.

    A layer is one [2, slots, heads, positions, head width] tensor of float32 or bfloat16: keys, then
    values, laid out as in ``bot.model.kernels.attend``, with the head width rounded up to
    a multiple of ``LANES``. Each slot has room for ``context`` positions, but takes memory only
    as far as it has been filled. That memory is given back when the last sequence leaves,
    unless it has at most ``kept`` bytes.
    """

    def __init__(
        self,
        *,
        slots: int,
        layers: int,
        heads: int,
        head_width: int,
        context: int,
        dtype: torch.dtype = torch.float32,
        kept: int = KEPT_BYTES,
    ) -> None:
        self.context, self.dtype = context, dtype
        self._kept = kept
        self._shape = (2, slots, heads, round_up(context, KEY_BLOCK), round_up(head_width, LANES))
        self._free = list(range(slots))
        self._used: set[int] = set()
        self.layers = [untouched(self._shape, dtype) for _ in range(layers)]
        # The most positions that have been filled in each slot.
        self._filled = [0] * slots
        # Counts how often the layers were replaced.
        self.generation = 0

    @property
    def filled_bytes(self) -> int:
        """Bytes of memory that the filled positions take."""
        return sum(map(self.bytes_for, self._filled))

    def bytes_for(self, positions: int) -> int:
        """Bytes that ``positions`` positions of a slot take."""
        _, _, heads, _, head_width = self._shape
        return (
            2 * heads * round_up(positions, KEY_BLOCK) * head_width * len(self.layers) * self.dtype.itemsize
        )

    def new_cache(self) -> KVCache:
        """An empty cache in the lowest free slot; IndexError if there is none."""
        slot = heapq.heappop(self._free)
        self._used.add(slot)
        return KVCache(self, slot)

    def release(self, cache: KVCache) -> None:
        """Free the slot of ``cache``, which must not be used afterwards."""
        self._used.remove(cache.slot)
        heapq.heappush(self._free, cache.slot)
        self._filled[cache.slot] = max(self._filled[cache.slot], cache.length)
        if self.filled_bytes > self._kept:
            self.give_back()

    def give_back(self) -> None:
        """Give the filled memory back, unless a sequence still uses the store."""
        if self._used or not self.filled_bytes:
            return
        try:
            layers = [untouched(self._shape, self.dtype) for _ in self.layers]
        except OSError:
            # Keep the old layers: their memory can be given back the next time.
            return
        self.layers = layers
        self._filled = [0] * len(self._filled)
        self.generation += 1


class KVCache:
    """One sequence's keys and values: the first ``length`` positions of a slot."""

    def __init__(self, store: KVStore, slot: int) -> None:
        self.store, self.slot = store, slot
        self.length = 0

    @property
    def nbytes(self) -> int:
        """Bytes that its positions take."""
        return self.store.bytes_for(self.length)

    @property
    def stored(self) -> int:
        """``length`` rounded up to whole blocks of keys."""
        return round_up(self.length, KEY_BLOCK)

    def check_room(self, count: int) -> None:
        """ValueError if ``count`` more positions do not fit the context."""
        if (positions := self.length + count) > self.store.context:
            raise ValueError(f"{positions} positions do not fit a context of {self.store.context}")

    def prefix(self, length: int) -> KVCache:
        """A copy of the first ``length`` positions, in a store of its own."""
        _, _, heads, _, head_width = self.store.layers[0].shape
        store = KVStore(
            slots=1,
            layers=len(self.store.layers),
            heads=heads,
            head_width=head_width,
            context=length,
            dtype=self.store.dtype,
        )
        copy = store.new_cache()
        copy.begin_with(self, length)
        return copy

    def begin_with(self, other: KVCache, length: int) -> None:
        """Replace the content with a copy of the first ``length`` positions of ``other``."""
        self.length = 0
        self.check_room(length)
        self.length = length
        for mine, theirs in zip(self.store.layers, other.store.layers, strict=True):
            mine[:, self.slot, :, : self.stored] = theirs[:, other.slot, :, : self.stored]
