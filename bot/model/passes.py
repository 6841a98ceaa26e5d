"""A forward pass through GPT-2's blocks, laid out once and run again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from bot.model.attention import Attention
from bot.model.kv_cache import KVStore
from bot.model.linear import Linear, Norm, Products, Scratch

# Passes of few rows, as most are, are kept for the next time: so many of them.
_KEPT_ROWS = 16
_KEPT_PASSES = 16


@dataclass(frozen=True)
class Block:
    norm_1: Norm
    qkv: Linear
    attention_out: Linear
    norm_2: Norm
    expand: Linear
    contract: Linear
    scale: float


class Pass:
    """A pass of ``rows`` rows of so many ``sequences``, whose caches are in ``store``.

    It points into the memory that the store has at the time.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        products: Products,
        attention: Attention,
        store: KVStore,
        rows: int,
        sequences: int,
    ) -> None:
        first = blocks[0]
        tiling = products.tiling(rows)
        self._x = tiling.matrix(first.contract.columns)
        self._parts = torch.zeros(sequences, 4, dtype=torch.int64)
        qkv, attended = tiling.matrix(first.qkv.columns), tiling.matrix(first.attention_out.inputs)
        expanded = tiling.matrix(first.expand.columns)
        scratch = Scratch(tiling, max(first.contract.inputs, first.attention_out.inputs))
        # What the calls point to lives as long as this.
        self._numbers = (qkv, attended, expanded, scratch)
        calls = []
        for layer, block in zip(store.layers, blocks, strict=True):
            calls += block.qkv.calls(tiling, self._x, qkv, scratch, norm=block.norm_1.words)
            calls.append(attention.call(self._parts, layer, block.scale, qkv, attended))
            calls += block.attention_out.calls(tiling, attended, self._x, scratch, add=True)
            calls += block.expand.calls(tiling, self._x, expanded, scratch, norm=block.norm_2.words)
            calls += block.contract.calls(tiling, expanded, self._x, scratch, add=True)
        self._program = products.machine.program(calls)

    def run(self, x: Tensor, parts: Tensor) -> Tensor:
        """The rows' embeddings → their last hidden states, both [rows, width].

        ``parts`` [sequences, 4] is what ``bot.model.attention.parts`` makes.
        """
        rows, width = x.shape
        # What a row that is no number left where rows are filled up would reach others.
        self._x.zero_()
        self._x[:rows, :width] = x
        self._parts.copy_(parts)
        self._program()
        # The next pass of this shape writes where this one did.
        return self._x[:rows, :width].clone()


class Passes:
    """Passes through ``blocks``, of whatever shape."""

    def __init__(self, blocks: Sequence[Block], products: Products, attention: Attention) -> None:
        self._blocks, self._products, self._attention = blocks, products, attention
        # Of each store, whose memory they point into, and at which of its generations.
        self._kept: WeakKeyDictionary[KVStore, tuple[int, dict[tuple[int, ...], Pass]]] = WeakKeyDictionary()

    def of(self, store: KVStore, rows: int, sequences: int) -> Pass:
        """A pass that is good as long as ``store`` has the layers that it has now."""
        if rows > _KEPT_ROWS:
            return self._make(store, rows, sequences)
        shape = (rows, sequences, torch.get_num_threads())
        generation, kept = self._kept.get(store, (store.generation, {}))
        if generation != store.generation or (len(kept) == _KEPT_PASSES and shape not in kept):
            kept = {}
        if shape not in kept:
            kept[shape] = self._make(store, rows, sequences)
        self._kept[store] = store.generation, kept
        return kept[shape]

    def _make(self, store: KVStore, rows: int, sequences: int) -> Pass:
        return Pass(self._blocks, self._products, self._attention, store, rows, sequences)
