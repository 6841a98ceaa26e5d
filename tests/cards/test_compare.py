"""The card of /compare shows where the methods' texts part, and opens each."""

from __future__ import annotations

import re
from dataclasses import replace

import discord
import pytest
from hypothesis import given

from bot import cards
from bot.cards import Audience, ComparisonCard, Divergence
from bot.cards.compare_branches import PLACES
from bot.cards.layout import DONE_COLOUR, PRIVATE_COLOUR, WAITING_COLOUR, WRITING_COLOUR
from bot.errors import GenerationFailed, Withheld
from bot.features.compare import METHODS
from bot.queue.updates import Progress, Queued
from tests.support.compare_cards import CONTENT, RUN_IDS, THREE, card_contents, compared, with_one
from tests.support.limits import alt_of, assert_within_limits, buttons_of, container_of, text_of
from tests.support.samples import step


def pressable(content: ComparisonCard) -> list[str]:
    return [label for label, one in buttons_of(cards.comparison(content)).items() if not one.disabled]


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


def test_a_withheld_text_is_explained() -> None:
    content = replace(THREE, texts=(*THREE.texts[:2], compared(3, Withheld(seed=1), "")))

    assert "What is withheld contains a word" in text_of(cards.comparison(content))
    assert "withheld" not in text_of(cards.comparison(THREE))


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

    every = [replace(one, continuation=replace(one.continuation, recalled=True)) for one in THREE.texts]
    assert "1 of these 6 texts is a saved reply." in text_of(cards.comparison(with_one(0, one)))
    for count, said in ((2, "2 of these 3 texts are saved replies."), (3, "These texts are saved replies.")):
        some = (*every[:count], *THREE.texts[count:])
        assert said in text_of(cards.comparison(replace(THREE, texts=some)))
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
