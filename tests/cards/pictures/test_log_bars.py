"""Bars on a log scale: each gap is ten times more."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.cards.pictures.canvas import LEAST, LIGHT_COLOURS, SCALE, WIDTH
from bot.cards.pictures.log_bars import LogBar, LogGroup, draw_log_bars, log_alt_text
from tests.support.drawing import drawn_by

COLOUR = LIGHT_COLOURS[0]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
bars = st.builds(
    LogBar,
    label=texts,
    value=st.integers(0, 10**15),
    shown=texts,
    colour=st.sampled_from(LIGHT_COLOURS),
)
groups = st.builds(LogGroup, name=texts, meaning=texts, bars=st.lists(bars, max_size=4).map(tuple))


def drawn(*values: int) -> Image.Image:
    group = LogGroup("x", "y", tuple(LogBar("a", value, "b", COLOUR) for value in values))
    return Image.open(io.BytesIO(draw_log_bars([group], "each gap"))).convert("RGB")


def length(picture: Image.Image, row: int) -> int:
    """How many pixels of a row of the picture are coloured: the bar, but for its gaps."""
    wanted = tuple(int(COLOUR[start : start + 2], 16) for start in (1, 3, 5))
    return sum(picture.getpixel((x, row)) == wanted for x in range(picture.width))


def rows_of(picture: Image.Image) -> list[int]:
    """A row of pixels in the middle of each coloured bar, from the top."""
    coloured = [y for y in range(picture.height) if length(picture, y)]
    starts = [y for y in coloured if y - 1 not in coloured]
    return [start + next(n for n in range(99) if start + n not in coloured) // 2 for start in starts]


@settings(max_examples=40)
@given(st.lists(groups, max_size=6), texts, st.lists(texts, max_size=2))
def test_any_quantities_can_be_drawn(some: list[LogGroup], heading: str, notes: list[str]) -> None:
    picture = Image.open(io.BytesIO(draw_log_bars(some, heading, notes)))

    assert picture.width == WIDTH * SCALE


def test_a_thousand_is_half_as_long_as_a_million() -> None:
    picture = drawn(1_000, 1_000_000)
    shorter, longer = (length(picture, row) for row in rows_of(picture))

    assert shorter == pytest.approx(longer / 2, rel=0.03)


def test_the_longest_bar_ends_at_the_next_power_of_ten() -> None:
    assert LogGroup("x", "", (LogBar("a", 96, "", COLOUR), LogBar("b", 1, "", COLOUR))).decades == 2
    assert LogGroup("x", "", (LogBar("a", 101, "", COLOUR),)).decades == 3
    assert LogGroup("x", "", (LogBar("a", 0, "", COLOUR),)).decades == 1


def test_the_heading_is_read_first() -> None:
    group = LogGroup("layers", "steps", (LogBar("this", 7, "7", COLOUR),))
    picture = drawn_by(lambda: draw_log_bars([group], "ten times more", ["a note"]))

    assert picture.texts == ["ten times more", "layers", "steps", "this", "7", "a note"]
    assert min(picture.sizes) >= LEAST


def test_the_alt_text_has_every_number() -> None:
    group = LogGroup("layers", "steps", (LogBar("this", 7, "7", COLOUR), LogBar("GPT-3", 96, "96", COLOUR)))

    assert log_alt_text([group, group]) == "layers: this 7, GPT-3 96; layers: this 7, GPT-3 96"
