"""A text and its tokens, with notes and a comparison."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards.pictures.canvas import LEAST
from bot.cards.pictures.cutting import Cutting, draw_cutting
from tests.support.drawing import drawn_by

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
lists = st.lists(texts, max_size=30).map(tuple)
pairs = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)


@settings(max_examples=40)
@given(st.builds(Cutting, texts, lists, st.integers(30, 1000), lists, lists, texts, pairs))
def test_any_text_can_be_cut(cutting: Cutting) -> None:
    assert min(drawn_by(lambda: draw_cutting(cutting)).sizes) >= LEAST


def test_it_says_how_many_tokens_are_left_out() -> None:
    tokens = tuple(f"␣number␣{number}␣of␣these" for number in range(20))
    drawn = drawn_by(lambda: draw_cutting(Cutting("…", tokens, 100)))

    shown = sum(text in tokens for text in drawn.texts)
    assert 0 < shown < 20
    assert drawn.texts[-1] == f"… and {100 - shown} tokens before"


def test_notes_and_comparison_follow_the_tokens() -> None:
    cutting = Cutting(
        "The", ("The",), 1, notes=("a note",), comparison="Or:", compared=(("The", "464"), ("the", "1169"))
    )

    assert drawn_by(lambda: draw_cutting(cutting)).texts == [
        *("The", "The", "a note", "Or:"),
        *("464", "The", "1169", "the"),
    ]
