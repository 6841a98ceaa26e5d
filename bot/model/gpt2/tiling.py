"""Rows cut into tiles for a product, and memory for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor

# A tile takes about as long as its rows and one more, measured for 16 to 264 rows in each precision with
# AVX-512 and AVX2. So 64 rows are best in eight tiles of eight: six of twelve have eight spare rows.
_TILE_COST = 1


@dataclass(frozen=True, slots=True)
class Tiling:
    """``rows`` rows in ``tiles`` tiles of ``tile_rows`` each; the rows beyond ``rows`` are spare."""

    rows: int
    tiles: int
    tile_rows: int

    def matrix(self, columns: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Zeros for all rows, including the spare ones: [tiles · tile_rows, columns]."""
        return torch.zeros(self.tiles * self.tile_rows, columns, dtype=dtype)


def tiled(rows: int, sizes: Collection[int]) -> Tiling:
    """The tiles of one of these ``sizes`` that take the least time, the largest if several do."""
    choices = [Tiling(rows, -(-rows // size), size) for size in sorted(sizes, reverse=True)]
    return min(choices, key=lambda tiling: tiling.tiles * (tiling.tile_rows + _TILE_COST))


class Room:
    """Memory for the outputs of a product, used again by the next, since new pages have to be cleared."""

    def __init__(self) -> None:
        self._numbers = torch.empty(0)

    def matrix(self, tiling: Tiling, columns: int) -> Tensor:
        """What ``Tiling.matrix`` returns, with other numbers than zeros, good until the next call."""
        size = tiling.tiles * tiling.tile_rows * columns
        if self._numbers.numel() < size:
            self._numbers = torch.empty(size)
        return self._numbers[:size].view(-1, columns)
