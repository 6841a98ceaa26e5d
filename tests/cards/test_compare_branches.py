"""The picture of /compare shows where the texts part, and its words say the same."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from discord import ui
from hypothesis import given

from bot import cards
from bot.cards import ComparisonCard, Divergence
from bot.cards.compare_content import ending
from bot.cards.pictures.branches import SHARED, Branch, draw_branches
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.errors import GenerationFailed, Withheld
from bot.features.compare import METHODS, Method
from bot.queue.updates import Completion, Finished, News, Progress
from tests.support.compare_cards import CONTENT, DONE, THREE, card_contents, compared, with_one
from tests.support.drawing import drawn_by
from tests.support.limits import alt_of, text_of
from tests.support.samples import step


def words_of(content: ComparisonCard) -> list[list[tuple[str, str]]]:
    """The stretches of the beginning and of each branch in the picture, with their colours."""
    beginning, branches = cards.comparison_tree(content)
    every = [beginning, *(branch.words for branch in branches)]
    return [[(span.text, span.colour) for span in spans if span.text] for spans in every]


def tree(content: ComparisonCard) -> tuple[Branch, ...]:
    return cards.comparison_tree(content)[1]


def test_what_all_share_is_the_beginning_and_grey() -> None:
    texts = (
        compared(0, DONE, " one of the best"),
        compared(2, DONE, " one of the few", Divergence(3, "␣few", "␣best"), shared=len(" one of the")),
        compared(3, DONE, " one day,", Divergence(1, "␣day", "␣of"), shared=len(" one")),
    )
    beginning, *branches = words_of(replace(THREE, texts=texts))

    assert beginning == [("London was one", SHARED)]
    assert branches == [
        [("of the best", LIGHT_COLOURS[0])],
        [("of the", SHARED), (" few", LIGHT_COLOURS[1])],
        [("day,", LIGHT_COLOURS[2])],
    ]


def test_each_method_keeps_its_colour() -> None:
    few, every = ({branch.name[2:]: branch.colour for branch in tree(one)} for one in (THREE, CONTENT))

    assert len(set(every.values())) == 6
    assert few.items() <= every.items()


def test_a_branch_says_what_its_method_does_unless_its_text_needs_a_word() -> None:
    cancelled = Finished(Completion((step(1),), "cancelled"), 1.0)
    stopped = compared(2, cancelled, divergence=Divergence(0, "a", "b"))
    other = compared(3, DONE, divergence=Divergence(0, "a", "b"))
    notes = [branch.note for branch in tree(replace(THREE, texts=(THREE.texts[0], stopped, other)))]

    assert notes == ["always the top guess", "stopped", "by its probabilities"]
    assert tree(THREE)[1].note == "same text as greedy"


@pytest.mark.parametrize("method", METHODS)
def test_every_note_has_room_beside_its_method(method: Method) -> None:
    for note in (method.effect, "same text as greedy"):
        branch = Branch(f"② {method.name}", note, LIGHT_COLOURS[0], ())

        assert drawn_by(partial(draw_branches, [], [branch])).texts == [branch.name, note]


@pytest.mark.parametrize(
    ("news", "text", "said"),
    [
        (Withheld(seed=1), "", "(withheld)"),
        (GenerationFailed("x"), "", "(nothing visible)"),
        (DONE, " \n ", "(nothing visible)"),
    ],
)
def test_a_text_that_cannot_be_seen_says_why(news: News, text: str, said: str) -> None:
    content = replace(THREE, texts=(*THREE.texts[:2], compared(3, news, text)))

    assert words_of(content)[3] == [(said, SHARED)]
    assert f"③ temperature 1.0, {'' if news is DONE else ending(news)}" in alt_of(cards.comparison(content))


def test_the_alt_text_says_where_each_differs_and_how_it_goes_on() -> None:
    other = compared(2, DONE, " one of few", Divergence(2, "␣few", "␣the"), shared=7)
    content = replace(THREE, texts=(THREE.texts[0], other, THREE.texts[2]))

    assert alt_of(cards.comparison(content)) == (
        "“London was” goes on in three ways; ① greedy: one of the; ② temperature 0.7, differs from greedy at "
        "token 3: one of few; ③ temperature 1.0, same text as greedy: one of the"
    )


def test_texts_that_the_alt_text_cuts_are_whole_in_a_file() -> None:
    long = compared(2, DONE, " word" * 60 + "\nend", Divergence(0, "a", "b"))
    content = replace(THREE, texts=(THREE.texts[0], long, THREE.texts[2]))
    files = [item for item in cards.comparison(content).walk_children() if isinstance(item, ui.File)]

    assert [file.media.url for file in files] == ["attachment://texts.txt"]
    assert cards.comparison_texts(content) == (
        f"London was\n\n① greedy\none of the\n\n② temperature 0.7\n{long.text.strip()}\n\n"
        "③ temperature 1.0\none of the\n"
    )
    assert not cards.is_cut(THREE)
    assert not any(isinstance(item, ui.File) for item in cards.comparison(THREE).walk_children())


@given(card_contents)
def test_a_text_is_whole_in_the_alt_text_or_in_the_file(content: ComparisonCard) -> None:
    content = replace(content, prompt="x")
    if content.over and not cards.is_cut(content):
        assert "…" not in alt_of(cards.comparison(content)) or any("…" in one.text for one in content.texts)


def test_line_ends_are_signs_so_that_each_text_is_one_paragraph() -> None:
    one = compared(2, DONE, "one \n\n two", Divergence(0, "a", "b"))

    assert words_of(replace(THREE, texts=(THREE.texts[0], one, THREE.texts[2])))[2] == [
        ("one ⏎ two", LIGHT_COLOURS[1])
    ]


def test_identical_texts_are_labelled_once_both_are_finished() -> None:
    growing = with_one(0, compared(0, Progress(DONE.completion.steps)))

    assert alt_of(cards.comparison(CONTENT)).count("same text as greedy") == 5
    assert "the same text" not in text_of(cards.comparison(growing))
