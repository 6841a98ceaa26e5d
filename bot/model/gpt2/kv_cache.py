"""Keys and values of the sequences that run."""

from __future__ import annotations

import heapq

from bot.model.gpt2.memory import untouched
from bot.model.kernels.attend import KEYS
from bot.model.kernels.builder import LANES, whole

# So many bytes are kept for the next text: for the system to find and clear them again
# takes a twentieth of the time in which a long prompt is read.
KEPT = 256 * 2**20


class KVStore:
    """Up to ``slots`` sequences, side by side so that one operation serves them all.

    A layer is one [2, slots, heads, positions, head width] tensor of float32: keys,
    then values, as ``bot.model.kernels.attend`` lays them out, the head width rounded
    up to a multiple of ``LANES``. There is room for ``context`` positions in each slot,
    but it takes memory only as far as it has been filled. When the last sequence leaves,
    that is given back, unless it is no more than ``kept`` bytes.
    """

    def __init__(
        self, *, slots: int, layers: int, heads: int, head_width: int, context: int, kept: int = KEPT
    ) -> None:
        self.context = context
        self._kept = kept
        self._shape = (2, slots, heads, whole(context, KEYS), whole(head_width, LANES))
        self._free = list(range(slots))
        self._used: set[int] = set()
        self.layers = [untouched(self._shape) for _ in range(layers)]
        # How many positions of each slot have been filled at most.
        self._filled = [0] * slots
        # Counts how often the layers were others.
        self.generation = 0

    @property
    def filled_bytes(self) -> int:
        """Bytes that take memory."""
        return sum(map(self.bytes_for, self._filled))

    def bytes_for(self, positions: int) -> int:
        """Bytes that so many positions of a slot occupy."""
        _, _, heads, _, head_width = self._shape
        return 2 * heads * whole(positions, KEYS) * head_width * len(self.layers) * 4

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
        """Give back what was filled, unless a sequence is still there."""
        if self._used or not self.filled_bytes:
            return
        try:
            layers = [untouched(self._shape) for _ in self.layers]
        except OSError:
            # The old ones are as good, and what they take can be given back the next time.
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
        """Bytes that its positions occupy."""
        return self.store.bytes_for(self.length)

    @property
    def stored(self) -> int:
        """``length`` rounded up to the blocks in which keys are stored."""
        return whole(self.length, KEYS)

    def check_room(self, count: int) -> None:
        """ValueError if ``count`` more positions are beyond the context."""
        if (positions := self.length + count) > self.store.context:
            raise ValueError(f"{positions} positions do not fit a context of {self.store.context}")

    def prefix(self, length: int) -> KVCache:
        """A copy of the first ``length`` positions, in a store of its own."""
        _, _, heads, _, head_width = self.store.layers[0].shape
        store = KVStore(
            slots=1, layers=len(self.store.layers), heads=heads, head_width=head_width, context=length
        )
        copy = store.new_cache()
        copy.begin_with(self, length)
        return copy

    def begin_with(self, other: KVCache, length: int) -> None:
        """Become a copy of the first ``length`` positions of ``other``."""
        self.length = 0
        self.check_room(length)
        self.length = length
        for mine, theirs in zip(self.store.layers, other.store.layers, strict=True):
            mine[:, self.slot, :, : self.stored] = theirs[:, other.slot, :, : self.stored]
