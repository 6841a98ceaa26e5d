"""Rows are cut into the tiles that take the least time."""

from __future__ import annotations

import pytest
import torch

from bot.model.gpt2.tiling import Room, Tiling, tiled
from bot.model.gpt2.transformer import GPT2
from tests.support.driving import every_row, some_ids

TILES = {1: (1, 1), 3: (1, 4), 8: (1, 8), 9: (1, 12), 13: (2, 8), 20: (5, 4), 24: (2, 12)}
TILES |= {32: (4, 8), 40: (5, 8), 64: (8, 8), 96: (8, 12), 264: (22, 12)}


@pytest.mark.parametrize(("rows", "tiles"), TILES.items())
def test_rows_are_tiled_with_few_spare_rows(rows: int, tiles: tuple[int, int]) -> None:
    made = tiled(rows, (1, 2, 4, 8, 12))
    assert (made.tiles, made.tile_rows) == tiles


def test_a_room_is_used_again_and_grows() -> None:
    room = Room()
    large = room.matrix(Tiling(40, 5, 8), 32)
    small = room.matrix(Tiling(3, 1, 4), 16)
    assert (large.shape, small.shape) == ((40, 32), (4, 16))
    assert small.data_ptr() == large.data_ptr()
    assert room.matrix(Tiling(64, 8, 8), 32).shape == (64, 32)


def test_logits_in_a_used_room_are_the_same(gpt2: GPT2) -> None:
    room = Room()
    (hidden,) = gpt2.forward([every_row(gpt2.new_store(1).new_cache(), some_ids(40))])
    room.matrix(Tiling(64, 8, 8), 400).fill_(torch.nan)
    assert torch.equal(gpt2.logits(hidden, room), gpt2.logits(hidden))
