"""The card of /compare shows where the methods' texts part, and opens each."""

from __future__ import annotations

import re
from dataclasses import replace

import discord
import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import Audience, ComparedText, ComparisonCard, Divergence
from bot.cards.compare import PLACES, ending
from bot.cards.layout import DONE_COLOUR, PRIVATE_COLOUR, WAITING_COLOUR, WRITING_COLOUR
from bot.cards.pictures.branches import SHARED, Branch
from bot.cards.pictures.canvas import LIGHT_COLOURS
from bot.errors import GenerationFailed, Withheld
from bot.features.compare import FEW, METHODS, Continuation, jobs
from bot.queue.updates import Completion, Finished, News, Progress, Queued
from bot.text.tokenization import Encodings
from tests.fakes.scripted_worker import scripted_info
from tests.support import strategies
from tests.support.limits import alt_of, assert_within_limits, buttons_of, container_of, text_of
from tests.support.samples import step

RUN_IDS = [f"{number:016x}" for number in range(6)]
DONE = Finished(Completion((step(1), step(2, rank=40), step(3)), "length"), 2.0)


def compared(
    number: int,
    news: News,
    text: str = " one of the",
    divergence: Divergence | None = None,
    shared: int = 0,
) -> ComparedText:
    before = Continuation(METHODS[number], RUN_IDS[number], Queued(1, None))
    return ComparedText(before.after(news), text, divergence, shared)


CONTENT = ComparisonCard(
    model="gpt2-large",
    prompt="London was",
    texts=tuple(compared(number, DONE, shared=11 if number else 0) for number in range(6)),
    seed=42,
    max_tokens=3,
    audience=Audience(815, private=False),
)
THREE = replace(CONTENT, texts=tuple(CONTENT.texts[number] for number in (0, 2, 3)))
news = st.one_of(strategies.updates, st.just(GenerationFailed("x")))
divergences = st.builds(Divergence, position=st.integers(0, 63), own=strategies.texts, first=strategies.texts)
any_compared = [
    st.builds(compared, st.just(number), news, strategies.long_texts, divergences if number else st.none())
    for number in range(6)
]
card_contents = st.builds(
    ComparisonCard,
    model=st.text(max_size=400),
    prompt=strategies.long_texts.filter(str.strip),
    texts=st.tuples(*any_compared),
    seed=st.integers(0, 2**32 - 1),
    max_tokens=st.integers(1, 64),
    audience=strategies.audiences,
)


def with_one(number: int, one: ComparedText) -> ComparisonCard:
    every = list(CONTENT.texts)
    every[number] = one
    return replace(CONTENT, texts=tuple(every))


def pressable(content: ComparisonCard) -> list[str]:
    return [label for label, one in buttons_of(cards.comparison(content)).items() if not one.disabled]


def words_of(content: ComparisonCard) -> list[list[tuple[str, str]]]:
    """The stretches of the beginning and of each branch in the picture, with their colours."""
    beginning, branches = cards.comparison_tree(content)
    every = [beginning, *(branch.words for branch in branches)]
    return [[(span.text, span.colour) for span in spans if span.text] for spans in every]


@pytest.mark.slow
@given(card_contents)
def test_any_texts_fit_in_a_message(content: ComparisonCard) -> None:
    assert_within_limits(cards.comparison(content))
    if content.over:
        assert_within_limits(cards.comparison_numbers(content))


def test_the_longest_lines_fit_and_leave_room_for_some_of_each_text() -> None:
    steps = tuple(step(number, rank=50_257) for number in range(64))
    one = compared(1, GenerationFailed("x"), text="*" * 900, divergence=Divergence(63, "x" * 99, "y" * 99))
    cut = replace(one, continuation=replace(one.continuation, steps=steps, recalled=True))
    content = replace(CONTENT, texts=(cut,) * 6, prompt="*" * 2000, model="m" * 200, seed=2**32 - 1)
    content = replace(content, texts=(CONTENT.texts[0], *content.texts[1:]))

    assert_within_limits(cards.comparison(content))
    assert_within_limits(cards.comparison_numbers(content))
    assert alt_of(cards.comparison(content)).count("*" * 50) >= 6
    assert text_of(cards.comparison_numbers(content)).count("\\*" * 90) >= 5


def test_the_title_counts_the_ways() -> None:
    assert text_of(cards.comparison(THREE)).startswith("### One prompt, three ways to go on\n")
    assert text_of(cards.comparison(CONTENT)).startswith("### One prompt, six ways to go on\n")


def test_the_small_print_is_what_the_same_texts_take() -> None:
    assert text_of(cards.comparison(THREE)).endswith("\n-# gpt2-large · seed 42 · up to 3 tokens each")


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


def tree(content: ComparisonCard) -> tuple[Branch, ...]:
    return cards.comparison_tree(content)[1]


def test_a_branch_says_what_its_method_does_unless_its_text_needs_a_word() -> None:
    cancelled = Finished(Completion((step(1),), "cancelled"), 1.0)
    stopped = compared(2, cancelled, divergence=Divergence(0, "a", "b"))
    other = compared(3, DONE, divergence=Divergence(0, "a", "b"))
    notes = [branch.note for branch in tree(replace(THREE, texts=(THREE.texts[0], stopped, other)))]

    assert notes == ["always the top guess", "stopped", "as its probabilities say"]
    assert tree(THREE)[1].note == "the same text as greedy"


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


def test_a_withheld_text_is_explained() -> None:
    content = replace(THREE, texts=(*THREE.texts[:2], compared(3, Withheld(seed=1), "")))

    assert "What is withheld contains a word" in text_of(cards.comparison(content))
    assert "withheld" not in text_of(cards.comparison(THREE))


def test_the_alt_text_says_where_each_differs_and_how_it_goes_on() -> None:
    other = compared(2, DONE, " one of few", Divergence(2, "␣few", "␣the"), shared=7)
    content = replace(THREE, texts=(THREE.texts[0], other, THREE.texts[2]))

    assert alt_of(cards.comparison(content)) == (
        "“London was” goes on in three ways; ① greedy: one of the; ② temperature 0.7, differs from greedy at "
        "token 3: one of few; ③ temperature 1.0, the same text as greedy: one of the"
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

    assert alt_of(cards.comparison(CONTENT)).count("the same text as greedy") == 5
    assert "the same text" not in text_of(cards.comparison(growing))


def test_while_one_is_written_all_can_be_stopped_and_none_opened() -> None:
    view = cards.comparison(with_one(3, compared(3, Progress((step(1),)))))

    assert "**④ temperature 1.0** one of the ✍️" in text_of(view)
    assert text_of(view).startswith("**London was**\n")
    assert {label: button.custom_id for label, button in buttons_of(view).items()} == {
        "Stop": f"compare:stop:{RUN_IDS[0]}"
    }
    assert container_of(view).accent_colour == WRITING_COLOUR


def test_while_it_grows_each_text_shows_its_end() -> None:
    view = cards.comparison(with_one(3, compared(3, Progress((step(1),)), text="word " * 60 + "end")))

    assert re.search(r"④ temperature 1.0\*\* ….* end ✍️\n", text_of(view))


def test_one_that_waits_says_so_and_all_that_wait_are_yellow() -> None:
    view = cards.comparison(with_one(5, compared(5, Queued(2, None), text="")))
    waiting = tuple(compared(number, Queued(1, None), text="") for number in range(3))

    assert "**⑥ top-p 0.9** ⏳" in text_of(view)
    assert container_of(cards.comparison(replace(THREE, texts=waiting))).accent_colour == WAITING_COLOUR


def test_the_finished_texts_can_be_opened_by_their_methods() -> None:
    buttons = buttons_of(cards.comparison(CONTENT))
    opening = {label: one.custom_id for label, one in buttons.items() if label[0] in PLACES}

    assert opening == {
        f"{place} {method.name}": f"compare:open:{run_id}"
        for place, method, run_id in zip(PLACES, METHODS, RUN_IDS, strict=True)
    }


def test_three_can_become_six() -> None:
    buttons = buttons_of(cards.comparison(THREE))

    assert list(buttons)[3:] == ["Show all six", "Numbers", "Delete"]
    assert buttons["Show all six"].custom_id == f"compare:all:{RUN_IDS[0]}"
    assert buttons["Show all six"].style is discord.ButtonStyle.primary
    assert "Show all six" not in buttons_of(cards.comparison(CONTENT))


def test_a_text_without_tokens_cannot_be_opened() -> None:
    content = replace(THREE, texts=(compared(0, GenerationFailed("x"), text=""), *THREE.texts[1:]))
    every = [compared(number, GenerationFailed("x"), text="") for number in (0, 2, 3)]

    assert "① greedy" not in pressable(content)
    assert buttons_of(cards.comparison(content))["Numbers"].custom_id == f"numbers:compare:{RUN_IDS[2]}"
    assert pressable(replace(THREE, texts=tuple(every))) == ["Delete"]


def test_saved_texts_are_labelled_as_such() -> None:
    one = replace(CONTENT.texts[0], continuation=replace(CONTENT.texts[0].continuation, recalled=True))

    assert "1 of these 6 texts are saved replies" in text_of(cards.comparison(with_one(0, one)))
    assert "saved" not in text_of(cards.comparison(CONTENT))


@pytest.mark.parametrize(
    ("private", "label", "colour"), [(True, "Share", PRIVATE_COLOUR), (False, "Delete", DONE_COLOUR)]
)
def test_it_can_be_shared_or_deleted(private: bool, label: str, colour: int) -> None:
    view = cards.comparison(replace(CONTENT, audience=Audience(815, private=private)))

    assert list(buttons_of(view))[-1] == label
    assert container_of(view).accent_colour == colour


def test_a_space_at_the_end_of_the_prompt_is_pointed_out() -> None:
    hint = "The prompt ends with a space"

    assert hint in text_of(cards.comparison(replace(CONTENT, prompt="London was ")))
    assert hint not in text_of(cards.comparison(replace(CONTENT, prompt="London was")))


def test_texts_are_compared_token_by_token() -> None:
    greedy, *_ = jobs((23421, 373), FEW, seed=1, max_tokens=3, owner=1, private=False)
    encodings = Encodings()
    # "é" as two tokens of a byte each: the texts part within the character.
    ids = ((257, 127, 102), (257, 127, 107), (257, 127, 102))
    written = [
        Continuation(method, RUN_IDS[0], Queued(1, None)).after(
            Finished(Completion(tuple(map(step, some)), "length"), 1.0)
        )
        for method, some in zip(FEW, ids, strict=True)
    ]
    first, second, third = cards.describe_comparison(greedy, written, scripted_info(), encodings).texts

    assert (first.divergence, first.shared) == (None, 0)
    own, other = (encodings.token(token_id, "gpt2").visible for token_id in (107, 102))
    assert second.divergence == Divergence(2, own, other)
    assert second.text[: second.shared] == " a"
    assert (third.divergence, third.shared) == (None, len(third.text))


def test_numbers_have_every_text_with_its_ranks() -> None:
    other = compared(2, DONE, " one of few", Divergence(2, "␣few", "␣the"), shared=7)
    stopped = compared(3, Finished(Completion((step(1),), "cancelled"), 1.0), " one", shared=4)
    content = replace(THREE, texts=(THREE.texts[0], other, stopped))
    picks = "took the top guess 2 of 3 times · riskiest pick: rank 40"

    assert text_of(cards.comparison_numbers(content)).splitlines()[:7] == [
        "**London was**",
        "**greedy:** one of the",
        f"-# {picks}",
        "**temperature 0.7:** one of few",
        f"-# differs from greedy at token 3 (`␣few`, not `␣the`) · {picks}",
        "**temperature 1.0:** one",
        "-# took the top guess 1 of 1 time · stopped",
    ]


def test_numbers_leave_out_names_that_must_not_be_shown() -> None:
    other = compared(2, DONE, " one of few", Divergence(2, "", ""), shared=7)
    text = text_of(cards.comparison_numbers(replace(THREE, texts=(THREE.texts[0], other))))

    assert "differs from greedy at token 3 · took" in text
