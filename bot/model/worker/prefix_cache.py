"""Keys and values of texts that ended, kept for texts that begin alike."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.gpt2.kv_cache import KVCache


class PrefixCache:
    """Up to ``capacity`` bytes of caches; the least recently used go first, and all where memory lacks."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._used = 0
        # The most recently used is the last one.
        self._entries: dict[tuple[int, ...], KVCache] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, ids: tuple[int, ...], cache: KVCache) -> None:
        """Keep a copy of ``cache``, which holds ``ids``."""
        size = cache.nbytes
        if not ids or size > self._capacity:
            return
        for known in list(self._entries):
            shared = alike(known, ids)
            if shared == len(ids):
                self._refresh(known)
                return
            if shared == len(known):
                # A beginning of this text adds nothing to it.
                self._forget(known)
        while self._used + size > self._capacity:
            self._forget(next(iter(self._entries)))
        try:
            self._entries[ids] = cache.prefix(len(ids))
        except (MemoryError, OSError):
            # Running requests need the memory more.
            self.clear()
            return
        self._used += size

    def recall(self, ids: Sequence[int], cache: KVCache) -> None:
        """Let the empty ``cache`` begin with as much of ``ids`` as is known.

        The last position is never part of it: only computing it gives logits.
        """
        longest, best = 0, None
        for known in self._entries:
            length = min(alike(known, ids), len(ids) - 1)
            if length and length >= longest:
                longest, best = length, known
        if best is not None:
            cache.begin_with(self._entries[best], longest)
            self._refresh(best)

    def clear(self) -> None:
        """Forget all, and give the memory back."""
        self._entries.clear()
        self._used = 0

    def _refresh(self, ids: tuple[int, ...]) -> None:
        self._entries[ids] = self._entries.pop(ids)

    def _forget(self, ids: tuple[int, ...]) -> None:
        self._used -= self._entries.pop(ids).nbytes


def alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids the two begin with in common."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
