"""Causal attention over the caches of several sequences at once."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bot.model.kv_cache import KVCache
from bot.model.native.attention import NAME
from bot.model.native.machine import Machine


@dataclass(frozen=True, slots=True)
class Rows:
    """The next ``count`` rows of the sequence in ``cache``."""

    cache: KVCache
    count: int


class Attention:
    """Attention of ``heads`` heads, each ``head_width`` wide, by the function in ``machine``."""

    def __init__(self, machine: Machine, *, heads: int, head_width: int) -> None:
        self.heads, self.head_width = heads, head_width
        self._machine, self._address = machine, machine.address(NAME)

    def plan(self, rows: Sequence[Rows]) -> AttentionPass:
        """What is alike in all layers of a pass over ``rows``, whose caches share a store."""
        return AttentionPass(self, rows)

    def start(self, tasks: int, *words: int) -> None:
        self._machine.start(self._address, tasks, *words)


class AttentionPass:
    """Attention of one pass, layer after layer. Made by ``Attention.plan``."""

    def __init__(self, attention: Attention, rows: Sequence[Rows]) -> None:
        self._attention = attention
        self._store = rows[0].cache.store
        parts, first = [], 0
        for part in rows:
            parts.append((part.cache.slot, first, part.count, part.cache.length))
            first += part.count
        self._parts, self._count = torch.tensor(parts), first
        keys, _ = self._store.layers[0]
        # Each layer's goes into the next product before there is another.
        self._out = torch.empty(first, attention.heads, keys.size(-1))

    def __call__(self, layer: int, scale: float, qkv: Tensor) -> Tensor:
        """Attend ``qkv`` [rows, 3 · width], after storing its keys and values: [rows, width].

        ValueError if it has another shape.
        """
        heads, head_width = self._attention.heads, self._attention.head_width
        if qkv.shape != (self._count, 3 * heads * head_width):
            raise ValueError(f"{tuple(qkv.shape)} for {self._count} rows of {heads} heads")
        keys, values = self._store.layers[layer]
        qkv = qkv.contiguous()
        tasks = len(self._parts) * heads
        self._attention.start(
            tasks,
            *(self._parts.data_ptr(), tasks, heads),
            *(tensor.data_ptr() for tensor in (qkv, keys, values, self._out)),
            *(keys.stride(0), keys.stride(1), _bits(scale)),
        )
        return self._out[..., :head_width].flatten(1)


def _bits(number: float) -> int:
    """``number`` as a float32, its bits as an integer."""
    return int.from_bytes(struct.pack("<f", number), "little")
