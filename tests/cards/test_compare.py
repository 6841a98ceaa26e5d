"""The card of /compare shows the methods' texts side by side, and where they diverge."""

from __future__ import annotations

from dataclasses import replace

import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import Audience, ComparedText, ComparisonCard, Divergence
from bot.custom_ids import OPEN
from bot.errors import GenerationFailed
from bot.features.compare import METHODS, Continuation
from bot.queue.updates import Completion, Finished, News, Progress, Queued
from tests.support import strategies
from tests.support.limits import assert_within_limits, buttons_of, text_of
from tests.support.samples import step

RUN_IDS = [f"{number:016x}" for number in range(6)]
DONE = Finished(Completion((step(1), step(2, rank=40), step(3)), "length"), 2.0)


def compared(
    number: int, news: News, text: str = " one of the", divergence: Divergence | None = None
) -> ComparedText:
    before = Continuation(METHODS[number], RUN_IDS[number], Queued(1, None))
    return ComparedText(before.after(news), text, divergence)


CONTENT = ComparisonCard(
    model="gpt2-large",
    prompt="London was",
    texts=tuple(compared(number, DONE) for number in range(6)),
    seed=42,
    max_tokens=3,
    audience=Audience(815, private=False),
)
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


def menu_of(view: ui.LayoutView) -> ui.Select[ui.LayoutView]:
    (menu,) = (item for item in view.walk_children() if isinstance(item, ui.Select))
    return menu


@pytest.mark.slow
@given(card_contents)
def test_any_texts_fit_in_a_message(content: ComparisonCard) -> None:
    assert_within_limits(cards.comparison(content))


def test_the_longest_lines_leave_room_for_some_of_each_text() -> None:
    steps = tuple(step(number, rank=50_257) for number in range(64))
    one = compared(1, GenerationFailed("x"), text="*" * 900, divergence=Divergence(63, "x" * 99, "y" * 99))
    cut = replace(one, continuation=replace(one.continuation, steps=steps, recalled=True))
    content = replace(CONTENT, texts=(cut,) * 6, prompt="*" * 2000, model="m" * 200, seed=2**32 - 1)
    content = replace(content, texts=(CONTENT.texts[0], *content.texts[1:]))
    view = cards.comparison(content)

    assert_within_limits(view)
    assert text_of(view).count("\\*" * 90) >= 5


def test_each_method_says_what_it_does_above_its_text() -> None:
    text = text_of(cards.comparison(CONTENT))

    for method in METHODS:
        assert f"**{method.name}**: {method.effect}\none of the\n" in text
    assert "**London was**" in text
    assert "gpt2-large · seed 42 · up to 3 tokens each · top-k off" in text


def test_a_text_says_where_it_differs_from_the_greedy_one() -> None:
    one = compared(2, DONE, divergence=Divergence(4, own="␣city", first="␣town"))
    text = text_of(cards.comparison(with_one(2, one)))

    assert (
        "-# differs from greedy at token 5 (`␣city`, not `␣town`) · took the top guess 2 of 3 times" in text
    )
    assert "riskiest pick: rank 40" in text


def test_identical_texts_are_labelled_once_both_are_finished() -> None:
    growing = with_one(0, compared(0, Progress(DONE.completion.steps)))

    assert text_of(cards.comparison(CONTENT)).count("the same text as greedy") == 5
    assert "the same text as greedy" not in text_of(cards.comparison(growing))


def test_line_ends_are_signs_so_that_each_text_is_one_paragraph() -> None:
    text = text_of(cards.comparison(with_one(1, compared(1, DONE, text="one\n\n# two"))))

    assert "\none ⏎ # two\n" in text


def test_while_one_is_written_all_can_be_stopped_and_none_opened() -> None:
    view = cards.comparison(with_one(3, compared(3, Progress((step(1),)))))

    assert "one of the ✍️" in text_of(view)
    assert {label: button.custom_id for label, button in buttons_of(view).items()} == {
        "Stop": f"compare:stop:{RUN_IDS[0]}"
    }
    assert not any(isinstance(item, ui.Select) for item in view.walk_children())


def test_one_that_waits_says_so() -> None:
    view = cards.comparison(with_one(5, compared(5, Queued(2, None), text="")))

    assert f"**top-p 0.9**: {METHODS[5].effect}\n⏳" in text_of(view)


def test_the_finished_texts_can_be_opened_by_their_methods() -> None:
    menu = menu_of(cards.comparison(CONTENT))

    assert menu.custom_id == OPEN
    assert [option.label for option in menu.options] == [method.name for method in METHODS]
    assert [option.value for option in menu.options] == RUN_IDS


def test_a_text_without_tokens_cannot_be_opened() -> None:
    view = cards.comparison(with_one(1, compared(1, GenerationFailed("x"), text="")))
    every = [compared(number, GenerationFailed("x"), text="") for number in range(6)]
    without = cards.comparison(replace(CONTENT, texts=tuple(every)))

    assert len(menu_of(view).options) == 5
    assert "(nothing visible)\n-# cut short" in text_of(view)
    assert not any(isinstance(item, ui.Select) for item in without.walk_children())


def test_a_stopped_text_says_so() -> None:
    stopped = Finished(Completion((step(1),), "cancelled"), 1.0)
    text = text_of(cards.comparison(with_one(1, compared(1, stopped))))

    assert "1 of 1 time · stopped" in text


def test_saved_texts_are_labelled_as_such() -> None:
    one = replace(CONTENT.texts[0], continuation=replace(CONTENT.texts[0].continuation, recalled=True))

    assert "1 of these 6 texts are saved replies" in text_of(cards.comparison(with_one(0, one)))
    assert "saved" not in text_of(cards.comparison(CONTENT))


@pytest.mark.parametrize(("private", "label"), [(True, "Share"), (False, "Delete")])
def test_it_can_be_shared_or_deleted(private: bool, label: str) -> None:
    content = replace(CONTENT, audience=Audience(815, private=private))

    assert list(buttons_of(cards.comparison(content))) == [label]


def test_a_space_at_the_end_of_the_prompt_is_pointed_out() -> None:
    hint = "The prompt ends with a space"

    assert hint in text_of(cards.comparison(replace(CONTENT, prompt="London was ")))
    assert hint not in text_of(cards.comparison(replace(CONTENT, prompt="London was")))
