"""Causal attention whose bits depend on a row's position and the rows before it only.

A kernel's sums are made in an order that depends on the shapes it is given, and
sometimes on the thread that makes them. So each row is computed by operations
whose order is fixed by the row's position and its kind alone:

* Rows that are *read* (a prompt's) are attended in blocks of ``BLOCK`` rows that
  begin at multiples of it, over the keys up to the end of the block. A block that
  is not there as a whole is filled up: where a prompt is cut for reading, and how
  much of it a cache holds, changes no bit.
* Rows that are *generated* are attended as one row against keys filled up with
  masked ones to a multiple of ``KEYS``: the quickest way for the few rows of a
  decode step, and the same bits whatever the filling, so that sequences of unlike
  lengths share an operation.

The two differ by rounding. A text is therefore continued bit for bit only if it
is known which of its rows were read and which generated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bot.model.kv_cache import KEYS, KVCache, KVStore, whole

BLOCK = 32

# What one more operation costs, in keys read.
_OPERATION = 64

# Smaller products go through another kernel of torch, with other bits.
_SMALLEST_PRODUCT = 400


@dataclass(frozen=True, slots=True)
class Rows:
    """The next ``count`` rows of the sequence in ``cache``; the first ``read`` of them are read."""

    cache: KVCache
    count: int
    read: int


@dataclass(frozen=True, slots=True)
class _Single:
    """A generated row: its index in the pass, its sequence's slot, its position."""

    row: int
    slot: int
    position: int


@dataclass(frozen=True, slots=True)
class _Group:
    """Generated rows of slots ``first`` to ``last``, at most one each, and their ``mask``."""

    first: int
    last: int
    rows: Tensor
    slots: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class _Block:
    """Block number ``index`` of ``slot``; rows ``rows`` of the pass are its rows ``own``."""

    slot: int
    index: int
    rows: slice
    own: slice


class Attention:
    """Attention of ``heads`` heads, each ``head_width`` wide."""

    def __init__(self, *, heads: int, head_width: int, context: int) -> None:
        self.heads, self.head_width = heads, head_width
        # Whether generated rows can share an operation without changing bits.
        self.groups = head_width * KEYS >= _SMALLEST_PRODUCT
        # Row i of a block sees the columns up to its own. The mask of every block
        # is a window on this one: its own columns are the last ones.
        columns = torch.arange(-(-context // BLOCK) * BLOCK + BLOCK)
        hidden = columns > (columns[-BLOCK:])[:, None]
        self._mask = torch.zeros(hidden.shape).masked_fill(hidden, float("-inf"))

    def plan(self, rows: Sequence[Rows]) -> AttentionPass:
        """What is alike in all layers of a pass over ``rows``, whose caches share a store."""
        return AttentionPass(self, rows)

    def block_mask(self, index: int) -> Tensor:
        """[BLOCK, keys up to the end of block ``index``]."""
        return self._mask[:, -(index + 1) * BLOCK :]

    def group(self, rows: Sequence[_Single]) -> _Group:
        first = min(row.slot for row in rows)
        last = max(row.slot for row in rows)
        positions = torch.zeros(last - first + 1, 1, dtype=torch.long)
        for row in rows:
            positions[row.slot - first] = row.position
        hidden = torch.arange(whole(max(row.position for row in rows) + 1)) > positions
        mask = torch.zeros(hidden.shape).masked_fill(hidden, float("-inf"))
        return _Group(
            first,
            last,
            rows=torch.tensor([row.row for row in rows]),
            slots=torch.tensor([row.slot - first for row in rows]),
            mask=mask.repeat_interleave(self.heads, 0).unsqueeze(1),
        )


class AttentionPass:
    """Attention of one pass, layer after layer. Made by ``Attention.plan``."""

    def __init__(self, attention: Attention, rows: Sequence[Rows]) -> None:
        self._attention = attention
        self._store: KVStore = rows[0].cache.store
        self._count = sum(part.count for part in rows)
        slots = [part.cache.slot for part in rows for _ in range(part.count)]
        positions = [part.cache.length + n for part in rows for n in range(part.count)]
        self._slots, self._positions = torch.tensor(slots), torch.tensor(positions)
        self._blocks: list[_Block] = []
        decoded: list[_Single] = []
        repeated: list[list[_Single]] = []
        start = 0
        for part in rows:
            self._blocks += _blocks(part, start)
            singles = [
                _Single(n, slots[n], positions[n]) for n in range(start + part.read, start + part.count)
            ]
            decoded += singles[:1]
            repeated += [[single] for single in singles[1:]]
            start += part.count
        together = _batches(decoded) if attention.groups else [[single] for single in decoded]
        self._groups = [attention.group(group) for group in [*together, *repeated]]

    def __call__(self, layer: int, scale: float, qkv: Tensor) -> Tensor:
        """Attend ``qkv`` [rows, 3 · width], after storing its keys and values: [rows, width]."""
        heads, head_width = self._attention.heads, self._attention.head_width
        qkv = qkv.view(self._count, 3, heads, head_width)
        stored = self._store.layers[layer]
        stored[:, self._slots, :, self._positions] = qkv[:, 1:]
        attended = torch.empty(self._count, heads * head_width)
        queries = qkv[:, 0]
        for group in self._groups:
            attended[group.rows] = self._single_rows(group, scale, queries, stored)
        for block in self._blocks:
            attended[block.rows] = self._block_rows(block, scale, queries, stored)
        return attended

    def _single_rows(self, group: _Group, scale: float, queries: Tensor, stored: Tensor) -> Tensor:
        """[rows of the group, width]."""
        slots, seen = group.last - group.first + 1, group.mask.size(-1)
        keys, values = stored[:, group.first : group.last + 1, :, :seen].flatten(1, 2)
        query = queries.new_zeros(slots, *queries.shape[1:])
        query[group.slots] = queries[group.rows]
        scores = torch.baddbmm(
            group.mask, query.view(-1, 1, query.size(2)), keys.transpose(1, 2), alpha=scale
        )
        return torch.bmm(scores.softmax(-1), values).view(slots, -1)[group.slots]

    def _block_rows(self, block: _Block, scale: float, queries: Tensor, stored: Tensor) -> Tensor:
        """[rows of the block, width]."""
        query = queries.new_zeros(1, queries.size(1), BLOCK, queries.size(2))
        query[0, :, block.own] = queries[block.rows].transpose(0, 1)
        keys, values = stored[:, block.slot : block.slot + 1, :, : (block.index + 1) * BLOCK]
        attended = functional.scaled_dot_product_attention(
            query, keys, values, attn_mask=self._attention.block_mask(block.index), scale=scale
        )
        return attended[0, :, block.own].transpose(0, 1).flatten(1)


def _blocks(part: Rows, row: int) -> Iterator[_Block]:
    """The blocks of the read rows of ``part``, the first of which is ``row`` of the pass."""
    start = part.cache.length
    end = start + part.read
    for index in range(start // BLOCK, -(-end // BLOCK) if part.read else 0):
        first, last = max(start, index * BLOCK), min(end, (index + 1) * BLOCK)
        yield _Block(
            part.cache.slot,
            index,
            rows=slice(row + first - start, row + last - start),
            own=slice(first - index * BLOCK, last - index * BLOCK),
        )


def _batches(rows: Sequence[_Single]) -> list[list[_Single]]:
    """``rows``, of a slot each, parted so that short sequences need not be filled up to long ones.

    The longest are attended alone, as many as makes the least keys to be read.
    """
    if not rows:
        return []
    longest_first = sorted(rows, key=lambda row: -row.position)

    def cost(alone: int) -> int:
        rest = longest_first[alone:]
        shared = len(rest) * whole(rest[0].position + 1) + _OPERATION if rest else 0
        return shared + sum(whole(row.position + 1) + _OPERATION for row in longest_first[:alone])

    alone = min(range(len(rows)), key=cost)
    return [*([row] for row in longest_first[:alone]), longest_first[alone:]]
