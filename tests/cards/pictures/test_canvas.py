"""Text on a canvas is shaped, cut off where it is too wide, and stays within its box."""

import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from bot.cards.pictures.canvas import BACKGROUND, INNER, SCALE, WHITE, Canvas, lettered, units


def coloured(canvas: Canvas) -> tuple[int, int, int, int] | None:
    """The box of all pixels that differ from the background."""
    picture = Image.open(io.BytesIO(canvas.png())).convert("RGB")
    plain = Image.new("RGB", picture.size, BACKGROUND)
    return (
        ImageChops.difference(picture, plain).convert("L").point(lambda value: 255 * (value > 40)).getbbox()
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.floats(20, INNER))
def test_no_line_is_wider_than_its_room(text: str, width: float) -> None:
    assert units(lettered(text, 17, width=width)) <= width


def test_what_is_cut_off_says_so() -> None:
    room = units(lettered("␣notwithstanding…", 17))

    assert lettered("␣notwithstanding the fact", 17, width=room) == lettered("␣notwithstanding…", 17)
    assert lettered("␣the", 17, width=room) == lettered("␣the", 17)


def test_a_line_stays_within_its_box() -> None:
    canvas = Canvas(40)
    canvas.write(lettered("W" * 30, 17), (10, 25), WHITE, within=(10, 0, 60, 40))
    left, _, right, _ = coloured(canvas) or (0, 0, 0, 0)

    assert left >= 10 * SCALE
    assert right <= 60 * SCALE


def test_a_line_may_end_or_have_its_middle_at_a_point() -> None:
    line = lettered("word", 17)
    edges = []
    for align in (0, 0.5, 1):
        canvas = Canvas(40)
        canvas.write(line, (200, 25), WHITE, align=align)
        edges.append((coloured(canvas) or (0, 0, 0, 0))[0] / SCALE)

    assert abs(edges[0] - edges[1] - units(line) / 2) < 1
    assert abs(edges[0] - edges[2] - units(line)) < 1


def test_nothing_is_written_for_a_space() -> None:
    canvas = Canvas(40)
    canvas.write(lettered(" ", 17), (10, 25), WHITE)

    assert coloured(canvas) is None
