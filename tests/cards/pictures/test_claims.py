"""Claims crossed out, and a text that was written twice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.pictures.canvas import LEAST, LIGHT_COLOURS, MARGIN, WIDTH
from bot.cards.pictures.claims import Claims, draw_claims
from tests.support.drawing import drawn_by

GREEN, RED = LIGHT_COLOURS[2:4]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(texts, texts), max_size=3).map(tuple), st.lists(texts, max_size=20).map(tuple), texts
)
def test_any_claims_can_be_drawn(
    crossed: tuple[tuple[str, str], ...], again: tuple[str, ...], outcome: str
) -> None:
    drawn = drawn_by(lambda: draw_claims(Claims(crossed, again, len(again) // 2, outcome)))

    assert min(drawn.sizes) >= LEAST
    assert all(
        left >= MARGIN - 0.01 and right <= WIDTH - MARGIN + 0.01 for (left, _, right, _), _ in drawn.filled
    )


def test_what_is_the_same_is_green_and_what_differs_is_red() -> None:
    drawn = drawn_by(lambda: draw_claims(Claims((("A memory", "none"),), ("a", "b", "c"), 2, "2 of 3")))

    assert drawn.texts == ["A memory", "none", "2 of 3", "a", "b", "c"]
    assert len(drawn.widths(GREEN, height=28)) == 2
    assert len(drawn.widths(RED, height=28)) == 1
    assert drawn.widths(RED, height=30) == [30]  # the cross before the claim
