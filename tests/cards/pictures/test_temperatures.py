"""The same bars at several temperatures, side by side."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.pictures.canvas import LEAST, LIGHT_COLOURS, MARGIN, WIDTH
from bot.cards.pictures.temperatures import Share, Temperatures, TokenRow, draw_temperatures
from tests.support.drawing import drawn_by

BLUE, YELLOW = LIGHT_COLOURS[:2]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
shares = st.builds(Share, st.floats(0, 1), texts)
rows = st.builds(TokenRow, texts, st.tuples(shares, shares, shares), st.booleans())
HEADINGS = (("0.5", "careful"), ("1", "as it is"), ("1.5", "daring"))


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=6), texts, texts, texts)
def test_any_rows_can_be_drawn(some: list[TokenRow], rest: str, drawn: str, luck: str) -> None:
    content = Temperatures(HEADINGS, tuple(some), (rest,) * 3, drawn, luck)
    picture = drawn_by(lambda: draw_temperatures(content))

    assert min(picture.sizes) >= LEAST
    assert all(
        left >= MARGIN - 0.01 and right <= WIDTH - MARGIN + 0.01 for (left, _, right, _), _ in picture.filled
    )


def test_all_bars_have_one_scale_and_the_drawn_row_its_colour() -> None:
    content = Temperatures(
        HEADINGS,
        (
            TokenRow("␣hand", (Share(0.8, "80 %"), Share(0.4, "40 %"), Share(0.1, "10 %"))),
            TokenRow("␣eyes", (Share(0.2, "20 %"), Share(0.2, "20 %"), Share(0.0, "0 %")), is_drawn=True),
        ),
        ("0 %", "40 %", "90 %"),
        "␣eyes",
        "its 2nd choice",
    )
    drawn = drawn_by(lambda: draw_temperatures(content))
    blue, yellow = drawn.widths(BLUE, height=10), drawn.widths(YELLOW, height=10)

    assert [width / blue[0] for width in blue] == pytest.approx([1, 0.5, 0.125])
    assert [width / blue[0] for width in yellow] == pytest.approx([0.25, 0.25])  # none for nothing
    assert drawn.texts[-3:] == ["drew", "␣eyes", "its 2nd choice"]


def test_the_longest_share_has_room_beside_the_longest_token() -> None:
    share = Share(1.2e-6, "0.00012\N{NO-BREAK SPACE}%")
    content = Temperatures(
        HEADINGS, (TokenRow("W" * 60, (share,) * 3),), (share.said,) * 3, "W" * 60, "its 50,257th choice"
    )
    cut = [text for text in drawn_by(lambda: draw_temperatures(content)).texts if text.endswith("…")]

    assert all(text.startswith("W") for text in cut)
    assert len(cut) == 2  # the token in its row and beside the die
