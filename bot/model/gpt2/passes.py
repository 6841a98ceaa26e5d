"""A forward pass through GPT-2's blocks, laid out once and run again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from bot.model.gpt2.attention import Attention
from bot.model.gpt2.kv_cache import KVStore
from bot.model.gpt2.linear import Linear, Norm, Products, Scratch, Tiling
from bot.model.kernels.jit import Call

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


class _Workspace:
    """Where the numbers of some rows lie on their way through blocks like ``block``."""

    def __init__(self, block: Block, tiling: Tiling) -> None:
        self.tiling = tiling
        self.x = tiling.matrix(block.contract.columns)
        self.attended = tiling.matrix(block.attention_out.inputs)
        self.expanded = tiling.matrix(block.expand.columns)
        self.scratch = Scratch(tiling, max(block.contract.inputs, block.attention_out.inputs))

    def begin(self, x: Tensor) -> None:
        """Let ``x`` [rows, width] enter the next block."""
        # What a row that is no number left where rows are filled up would reach others.
        self.x.zero_()
        self.x[: x.size(0), : x.size(1)] = x

    def after_attention(self, block: Block) -> list[Call]:
        """What the block does when it has attended."""
        tiling, scratch = self.tiling, self.scratch
        return [
            *block.attention_out.calls(tiling, self.attended, self.x, scratch, add=True),
            *block.expand.calls(tiling, self.x, self.expanded, scratch, norm=block.norm_2.words),
            *block.contract.calls(tiling, self.expanded, self.x, scratch, add=True),
        ]


class Pass:
    """A pass of ``rows`` rows of so many ``sequences``, whose caches are in ``store``.

    Only ``wanted`` rows leave the last block: of the others, it makes keys and values.
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
        wanted: int,
    ) -> None:
        first, last = blocks[0], blocks[-1]
        self._every = own = _Workspace(first, products.tiling(rows))
        self._parts = torch.zeros(sequences, 4, dtype=torch.int64)
        # What the calls point to lives as long as this.
        self._qkv = own.tiling.matrix(first.qkv.columns)
        calls: list[Call] = []
        for layer, block in zip(store.layers, blocks, strict=True):
            calls += block.qkv.calls(own.tiling, own.x, self._qkv, own.scratch, norm=block.norm_1.words)
            calls.append(attention.call(self._parts, layer, block.scale, self._qkv, own.attended))
            if block is not last or wanted == rows:
                calls += own.after_attention(block)
        self._program = products.machine.program(calls)
        self._wanted = own
        if 0 < wanted < rows:
            self._wanted = _Workspace(first, products.tiling(wanted))
            self._rest = products.machine.program(self._wanted.after_attention(last))

    def run(self, x: Tensor, parts: Tensor, wanted: Tensor) -> Tensor:
        """The rows' embeddings [rows, width] → the hidden states [wanted, width] of the ``wanted`` ones.

        ``parts`` [sequences, 4] is what ``bot.model.gpt2.attention.parts`` makes.
        """
        self._every.begin(x)
        self._parts.copy_(parts)
        self._program()
        if self._wanted is not self._every:
            self._wanted.begin(self._every.x[wanted])
            self._wanted.attended[: len(wanted)] = self._every.attended[wanted]
            self._rest()
        # The next pass of this shape writes where this one did.
        return self._wanted.x[: len(wanted), : x.size(1)].clone()


class Passes:
    """Passes through ``blocks``, of whatever shape."""

    def __init__(self, blocks: Sequence[Block], products: Products, attention: Attention) -> None:
        self._blocks, self._products, self._attention = blocks, products, attention
        # Of each store, whose memory they point into, and at which of its generations.
        self._kept: WeakKeyDictionary[KVStore, tuple[int, dict[tuple[int, ...], Pass]]] = WeakKeyDictionary()

    def of(self, store: KVStore, rows: int, sequences: int, wanted: int) -> Pass:
        """A pass that is good as long as ``store`` has the layers that it has now."""
        if rows > _KEPT_ROWS:
            return self._make(store, rows, sequences, wanted)
        shape = (rows, sequences, wanted, torch.get_num_threads())
        generation, kept = self._kept.get(store, (store.generation, {}))
        if generation != store.generation or (len(kept) == _KEPT_PASSES and shape not in kept):
            kept = {}
        if shape not in kept:
            kept[shape] = self._make(store, rows, sequences, wanted)
        self._kept[store] = store.generation, kept
        return kept[shape]

    def _make(self, store: KVStore, rows: int, sequences: int, wanted: int) -> Pass:
        return Pass(self._blocks, self._products, self._attention, store, rows, sequences, wanted)
