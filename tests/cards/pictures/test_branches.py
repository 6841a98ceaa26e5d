"""Branches: the shared beginning grey, each text in its own colour."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.cards.pictures.branches import SHARED, Branch, draw_branches
from bot.cards.pictures.canvas import LIGHT_COLOURS, SCALE, WIDTH
from bot.cards.pictures.paragraphs import Span

BLUE, YELLOW = LIGHT_COLOURS[:2]
some_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
spans = st.builds(Span, some_text, st.sampled_from([SHARED, BLUE]))


def branch(*words: Span, colour: str = BLUE) -> Branch:
    return Branch("① greedy", "always the top guess", colour, words)


def drawn(beginning: list[Span], *branches: Branch) -> Image.Image:
    return Image.open(io.BytesIO(draw_branches(beginning, branches))).convert("RGB")


def pixels_of(picture: Image.Image, colour: str) -> int:
    """How many pixels have about this colour: the picture has 64."""
    wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    colours = picture.getcolors(picture.width * picture.height) or ()
    return sum(
        count
        for count, found in colours
        if isinstance(found, tuple) and max(abs(a - b) for a, b in zip(found, wanted, strict=True)) < 20
    )


@settings(max_examples=30)
@given(
    st.lists(spans, max_size=2),
    st.lists(
        st.builds(Branch, some_text, some_text, st.sampled_from(LIGHT_COLOURS), st.tuples(spans, spans)),
        min_size=1,
        max_size=6,
    ),
)
def test_any_texts_can_be_drawn(beginning: list[Span], branches: list[Branch]) -> None:
    picture = drawn(beginning, *branches)

    assert picture.width == WIDTH * SCALE
    assert picture.height <= 1_200 * SCALE


def test_six_long_texts_take_no_more_room_than_three() -> None:
    long = branch(Span("word " * 500, BLUE))

    assert drawn([], *[long] * 6).height < 1.25 * drawn([], *[long] * 3).height


def test_every_branch_has_its_colour_and_shared_words_are_grey() -> None:
    alone = pixels_of(drawn([Span("London was", SHARED)], branch(colour=YELLOW)), YELLOW)
    shared = drawn([Span("London was", SHARED)], branch(Span("one of the places", SHARED), colour=YELLOW))
    own = drawn([Span("London was", SHARED)], branch(Span("one of the places", YELLOW), colour=YELLOW))

    assert pixels_of(shared, YELLOW) == pytest.approx(alone, rel=0.02)
    assert pixels_of(own, YELLOW) > 1.1 * alone


def test_each_branch_hangs_on_the_trunk() -> None:
    words = Span("one two three", BLUE)
    one, three = (drawn([Span("London", SHARED)], *[branch(words)] * count) for count in (1, 3))

    assert pixels_of(three, "#565b68") > 3 * pixels_of(one, "#565b68")
