"""A picture of several blocks beneath each other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.cards.pictures.canvas import MARGIN, Canvas

_GAP = 14


class Block(Protocol):
    """Something as wide as the picture, ``height`` units high."""

    @property
    def height(self) -> float: ...

    def put(self, canvas: Canvas, top: float) -> None:
        """Draw it, between the margins, from ``top`` on."""


def stacked(blocks: Sequence[Block]) -> bytes:
    """Draw a PNG of the blocks, the first at the top."""
    canvas = Canvas(2 * MARGIN + sum(block.height + _GAP for block in blocks) - _GAP)
    top: float = MARGIN
    for block in blocks:
        block.put(canvas, top)
        top += block.height + _GAP
    return canvas.png()
