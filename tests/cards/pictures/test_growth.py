"""A text grows by a token a round."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.pictures.canvas import LEAST, LIGHT_COLOURS, MARGIN, WIDTH
from bot.cards.pictures.growth import Growth, draw_growth
from tests.support.drawing import drawn_by

YELLOW = LIGHT_COLOURS[1]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
tokens = st.lists(texts, max_size=30).map(tuple)


@settings(max_examples=40)
@given(st.lists(st.tuples(texts, texts), max_size=3).map(tuple), tokens, tokens)
def test_any_text_can_grow_within_the_picture(
    rounds: tuple[tuple[str, str], ...], given: tuple[str, ...], added: tuple[str, ...]
) -> None:
    drawn = drawn_by(lambda: draw_growth(Growth(rounds, given, added, "After 16 rounds:")))

    assert min(drawn.sizes) >= LEAST
    assert all(
        left >= MARGIN - 0.01 and right <= WIDTH - MARGIN + 0.01 for (left, _, right, _), _ in drawn.filled
    )


def test_each_round_adds_its_token_after_the_text() -> None:
    growth = Growth((("The wizard", "␣raised"),), ("The", "␣wizard"), ("␣raised",), "After 1 round:")
    drawn = drawn_by(lambda: draw_growth(growth))
    (chip,) = (box for box, colour in drawn.filled if colour == YELLOW)

    assert drawn.texts == ["The wizard", "␣raised", "After 1 round:", "The", "␣wizard", "␣raised"]
    assert chip[0] > MARGIN + 60


def test_a_text_from_the_right_grows_to_the_left() -> None:
    growth = Growth((("שלום", "␣לכם"),), ("שלום",), ("␣לכם",), "After 1 round:")
    drawn = drawn_by(lambda: draw_growth(growth))
    (chip,) = (box for box, colour in drawn.filled if colour == YELLOW)

    assert chip[2] < WIDTH - MARGIN - 20


def test_a_wide_text_loses_its_beginning() -> None:
    growth = Growth((("가나다라마바사아자차카타파하" * 2, "x"),), (), (), "")
    (text, *_) = drawn_by(lambda: draw_growth(growth)).texts

    assert text.startswith("…")
    assert text.endswith("카타파하")
    assert 10 < len(text) < 28
