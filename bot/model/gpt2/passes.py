"""Passes through GPT-2's blocks: programs of kernel calls, made once and run again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from bot.model.gpt2.attention import Attention
from bot.model.gpt2.kv_cache import KVStore
from bot.model.gpt2.linear import Linear, Matmul, Norm, Scratch
from bot.model.gpt2.tiling import Tiling
from bot.model.kernels.dispatch import Call

# Most passes have few rows, or one row of each of many sequences: those of up to 16 or 64 rows are kept, 16
# passes for each store. Of the others hardly two are alike.
_KEPT_ROWS = 16
_KEPT_SEQUENCES = 64
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
    """The activations of some rows on their way through blocks like ``block``."""

    def __init__(self, block: Block, tiling: Tiling) -> None:
        self.tiling = tiling
        self.x = tiling.matrix(block.contract.columns)
        self.attended = tiling.matrix(block.attention_out.inputs)
        self.expanded = tiling.matrix(block.expand.columns)
        self.scratch = Scratch(tiling, max(block.contract.inputs, block.attention_out.inputs))

    def begin(self, x: Tensor) -> None:
        """Take ``x`` [rows, width] as the input of the next block."""
        # A NaN that an earlier row left in the padding would reach other rows.
        self.x.zero_()
        self.x[: x.size(0), : x.size(1)] = x

    def after_attention(self, block: Block) -> list[Call]:
        """The calls of the block's second half, after attention."""
        tiling, scratch = self.tiling, self.scratch
        return [
            *block.attention_out.calls(tiling, self.attended, self.x, scratch, add=True),
            *block.expand.calls(tiling, self.x, self.expanded, scratch, norm=block.norm_2),
            *block.contract.calls(tiling, self.expanded, self.x, scratch, add=True),
        ]


class Pass:
    """A pass of ``rows`` rows of ``sequences`` sequences, whose caches are in ``store``.

    Only ``wanted`` rows leave the last block, which computes no more than keys and values for the
    others. The calls point into the layers that the store has now.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        matmul: Matmul,
        attention: Attention,
        store: KVStore,
        rows: int,
        sequences: int,
        wanted: int,
    ) -> None:
        first, last = blocks[0], blocks[-1]
        self._every = own = _Workspace(first, matmul.tiling(rows))
        self._spans = torch.zeros(sequences, 4, dtype=torch.int64)
        # The calls point to this, so it lives as long as the pass.
        self._qkv = own.tiling.matrix(first.qkv.columns)
        calls: list[Call] = []
        for layer, block in zip(store.layers, blocks, strict=True):
            calls += block.qkv.calls(own.tiling, own.x, self._qkv, own.scratch, norm=block.norm_1)
            calls.append(attention.call(self._spans, layer, block.scale, self._qkv, own.attended))
            if block is not last or wanted == rows:
                calls += own.after_attention(block)
        self._program = matmul.kernels.program(calls)
        self._wanted = own
        if 0 < wanted < rows:
            self._wanted = _Workspace(first, matmul.tiling(wanted))
            self._rest = matmul.kernels.program(self._wanted.after_attention(last))

    def run(self, x: Tensor, spans: Tensor, wanted: Tensor) -> Tensor:
        """The rows' embeddings [rows, width] → the hidden states [wanted, width] of the ``wanted`` rows.

        ``spans`` [sequences, 4] are those of ``bot.model.gpt2.attention.spans``.
        """
        self._every.begin(x)
        self._spans.copy_(spans)
        self._program()
        if self._wanted is not self._every:
            self._wanted.begin(self._every.x[wanted])
            self._wanted.attended[: len(wanted)] = self._every.attended[wanted]
            self._rest()
        # A copy, because the next pass of this shape overwrites the original.
        return self._wanted.x[: len(wanted), : x.size(1)].clone()


class Passes:
    """Makes passes of any shape through ``blocks``, and keeps those of few rows."""

    def __init__(self, blocks: Sequence[Block], matmul: Matmul, attention: Attention) -> None:
        self._blocks, self._matmul, self._attention = blocks, matmul, attention
        # By store, since passes point into its memory, with the store's generation.
        self._kept: WeakKeyDictionary[KVStore, tuple[int, dict[tuple[int, ...], Pass]]] = WeakKeyDictionary()

    def of(self, store: KVStore, rows: int, sequences: int, wanted: int) -> Pass:
        """Return a pass, good as long as ``store`` keeps the layers that it has now."""
        if rows > (_KEPT_SEQUENCES if rows == sequences == wanted else _KEPT_ROWS):
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
        return Pass(self._blocks, self._matmul, self._attention, store, rows, sequences, wanted)
