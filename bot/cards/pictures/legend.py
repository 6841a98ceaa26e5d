"""What a picture's colours stand for, in one line. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.pictures.canvas import FAINT, LEAST, MARGIN, Canvas, lettered, units

_SWATCH = LEAST - 2
_NEAR, _FAR = 5, 13


@dataclass(frozen=True, slots=True)
class Legend:
    """``title``, and the colours with their words."""

    title: str
    colours: tuple[tuple[str, str], ...]

    @property
    def height(self) -> float:
        return LEAST + 2

    def put(self, canvas: Canvas, top: float) -> None:
        baseline = top + LEAST - 1
        title = lettered(self.title, LEAST)
        canvas.write(title, (MARGIN, baseline), FAINT)
        left = MARGIN + units(title) + _FAR
        for colour, words in self.colours:
            canvas.fill((left, top + 1, left + _SWATCH, top + 1 + _SWATCH), colour, radius=3)
            written = lettered(words, LEAST)
            canvas.write(written, (left + _SWATCH + _NEAR, baseline), FAINT)
            left += _SWATCH + _NEAR + units(written) + _FAR
