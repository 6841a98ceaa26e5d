"""Calls of the attention kernel in a forward pass; ``bot.model.kernels.attend`` says how it attends."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from bot.model.gpt2.kv_cache import KVCache
from bot.model.gpt2.memory import untouched
from bot.model.kernels.attend import ATTEND, AttendArguments
from bot.model.kernels.dispatch import Call
from bot.model.kernels.jit import Kernels


def spans(sequences: Iterable[tuple[KVCache, int]]) -> Tensor:
    """The spans [sequences, 4] of a pass, given each sequence's cache and its number of new rows."""
    found, first = [], 0
    for cache, count in sequences:
        found.append((cache.slot, first, count, cache.length))
        first += count
    return torch.tensor(found)


class Attention:
    """Attention with ``heads`` heads of ``head_width`` numbers each.

    ``scores`` is the number of scores that each thread needs room for. All passes share that room:
    one runs at a time.
    """

    def __init__(self, kernels: Kernels, *, heads: int, head_width: int, scores: int) -> None:
        self.heads, self.head_width = heads, head_width
        self._attend = kernels.kernel(ATTEND)
        self._scores = scores
        # By torch's number of threads: calls made for another number still point to theirs.
        self._rooms: dict[int, Tensor] = {}
        # A lack of memory shows now rather than in the first pass.
        self._room()

    def call(self, spans: Tensor, layer: Tensor, scale: float, qkv: Tensor, out: Tensor) -> Call:
        """The call that stores ``qkv``'s keys and values in ``layer`` of a store and attends to them.

        ``qkv`` is [rows, at least 3 · heads · head width]; ``out`` is [rows, heads, head width],
        padded with zeros to whole vectors. The tensors and this object must live as long as the call.
        """
        keys, values = layer
        return self._attend.call(
            AttendArguments(
                spans=spans,
                tasks=len(spans) * self.heads,
                heads=self.heads,
                qkv=qkv,
                keys=keys.view(torch.int32),
                values=values.view(torch.int32),
                out=out,
                scores=self._room(),
                qkv_stride=qkv.stride(0),
                slot_stride=keys.stride(0),
                head_stride=keys.stride(1),
                scale=scale,
            )
        )

    def _room(self) -> Tensor:
        """Room for the scores of each of torch's threads."""
        threads = torch.get_num_threads()
        if threads not in self._rooms:
            self._rooms[threads] = untouched((threads, self._scores))
        return self._rooms[threads]
