"""Causal attention over the caches of several sequences at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bot.model.gpt2.kv_cache import KVCache
from bot.model.gpt2.linear import bits
from bot.model.gpt2.memory import untouched
from bot.model.kernels.attend import NAME
from bot.model.kernels.jit import Call, Machine


@dataclass(frozen=True, slots=True)
class Rows:
    """The next ``count`` rows of the sequence in ``cache``."""

    cache: KVCache
    count: int


def parts(rows: Sequence[Rows]) -> Tensor:
    """Where each sequence's rows are and belong: [sequences, 4], as ``bot.model.kernels.attend`` has it."""
    found, first = [], 0
    for part in rows:
        found.append((part.cache.slot, first, part.count, part.cache.length))
        first += part.count
    return torch.tensor(found)


class Attention:
    """Attention of ``heads`` heads, each ``head_width`` wide, by the function in ``machine``.

    ``scores`` is how many a thread of it needs room for. There is one room for all passes,
    of which one is made at a time.
    """

    def __init__(self, machine: Machine, *, heads: int, head_width: int, scores: int) -> None:
        self.heads, self.head_width = heads, head_width
        self._address = machine.address(NAME)
        self._scores = scores
        # By the number of torch's threads: calls that were made for another still point to theirs.
        self._rooms: dict[int, Tensor] = {}
        # Where memory lacks for it, that shall be known at once.
        self._room()

    def call(self, parts: Tensor, layer: Tensor, scale: float, qkv: Tensor, out: Tensor) -> Call:
        """What stores ``qkv``'s keys and values in ``layer`` of a store, and attends to them.

        ``qkv`` is [rows, at least 3 · heads · head width]; ``out`` is [rows, heads, head width],
        filled up with zeros to whole vectors. All must live as long as the call, this as well.
        """
        keys, values = layer
        tasks = len(parts) * self.heads
        return Call(
            self._address,
            (
                *(parts.data_ptr(), tasks, self.heads),
                *(tensor.data_ptr() for tensor in (qkv, keys, values, out, self._room())),
                *(qkv.stride(0), keys.stride(0), keys.stride(1), bits(scale)),
            ),
        )

    def _room(self) -> Tensor:
        """Room for the scores of each of torch's threads."""
        threads = torch.get_num_threads()
        if threads not in self._rooms:
            self._rooms[threads] = untouched((threads, self._scores))
        return self._rooms[threads]
