"""Keys and values of texts that ended, kept for texts that begin alike."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.kv_cache import KVCache


@dataclass(frozen=True, slots=True)
class Text:
    """Token ids of which the first ``read`` were read and the rest generated.

    The same id has other bits where it was generated than where it was read,
    so two texts are alike only as far as they agree in both.
    """

    ids: tuple[int, ...]
    read: int

    def alike(self, other: Text) -> int:
        """How many of the first positions have the same keys and values in both."""
        pairs = zip(self.ids, other.ids, strict=False)
        alike = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(self.ids), len(other.ids)))
        # From where only one of them is still being read they differ.
        return alike if self.read == other.read else min(alike, self.read, other.read)


class PrefixCache:
    """Up to ``capacity`` bytes of caches; the least recently used go first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._used = 0
        # The most recently used is the last one.
        self._entries: dict[Text, KVCache] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, text: Text, cache: KVCache) -> None:
        """Keep a copy of ``cache``, which holds ``text``."""
        length = len(text.ids)
        size = cache.store.bytes_for(length)
        if length == 0 or size > self._capacity or not cache.finite:
            return
        for known in list(self._entries):
            alike = known.alike(text)
            if alike == length:
                self._refresh(known)
                return
            if alike == len(known.ids):
                # A beginning of this text adds nothing to it.
                self._forget(known)
        while self._used + size > self._capacity:
            self._forget(next(iter(self._entries)))
        self._entries[text] = cache.prefix(length)
        self._used += size

    def recall(self, text: Text, cache: KVCache) -> None:
        """Let the empty ``cache`` begin with as much of ``text`` as is known.

        The last position is never part of it: only computing it gives logits.
        """
        longest, best = 0, None
        for known in self._entries:
            length = min(known.alike(text), len(text.ids) - 1)
            if length and length >= longest:
                longest, best = length, known
        if best is not None:
            cache.begin_with(self._entries[best], longest)
            self._refresh(best)

    def _refresh(self, text: Text) -> None:
        self._entries[text] = self._entries.pop(text)

    def _forget(self, text: Text) -> None:
        self._used -= self._entries.pop(text).nbytes
