"""What a picture's drawing writes and fills, recorded from its canvas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from bot.cards.pictures import canvas
from bot.cards.pictures.canvas import Box, Canvas
from bot.cards.pictures.lettering import Line, line
from bot.cards.pictures.reading_order import Directed


@dataclass
class Drawn:
    """The ``texts`` that were written, and the boxes that were filled and outlined, with their colours.

    ``sizes`` are those of all letters, in units.
    """

    texts: list[str] = field(default_factory=list)
    sizes: set[float] = field(default_factory=set)
    filled: list[tuple[Box, str]] = field(default_factory=list)
    outlined: list[Box] = field(default_factory=list)

    def widths(self, colour: str, *, height: float) -> list[float]:
        """The widths of the boxes of one colour and height, in the order in which they were drawn."""
        return [
            right - left
            for (left, top, right, bottom), found in self.filled
            if found == colour and abs(bottom - top - height) < 0.01
        ]


def drawn_by(draw: Callable[[], bytes]) -> Drawn:
    """Let ``draw`` make its picture, and return what its canvas was made to show."""
    with _recording() as drawn:
        draw()
    return drawn


@contextmanager
def _recording() -> Iterator[Drawn]:
    drawn, shaped = Drawn(), list[tuple[Line, str]]()
    write, fill, outline = Canvas.write, Canvas.fill, Canvas.outline

    def shaping(text: Directed, size: int, **options: Any) -> Line:
        drawn.sizes.add(size / canvas.SCALE)
        shaped.append((line(text, size, **options), text.text))
        return shaped[-1][0]

    def writing(self: Canvas, text: Line, *args: Any, **options: Any) -> None:
        drawn.texts.append(next(said for one, said in shaped if one is text))
        write(self, text, *args, **options)

    def filling(self: Canvas, box: Box, colour: str, **options: Any) -> None:
        drawn.filled.append((box, colour))
        fill(self, box, colour, **options)

    def outlining(self: Canvas, box: Box, *args: Any, **options: Any) -> None:
        drawn.outlined.append(box)
        outline(self, box, *args, **options)

    with (
        patch.object(canvas, "line", shaping),
        patch.object(Canvas, "write", writing),
        patch.object(Canvas, "fill", filling),
        patch.object(Canvas, "outline", outlining),
    ):
        yield drawn
