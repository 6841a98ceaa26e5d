"""The card of /complete says what was asked, what was written, and how."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import CompletionCard
from bot.generation import Completion, Finished, Progress, Queued
from bot.model.protocol import FinishReason, SamplingParams
from tests.cards import strategies
from tests.cards.limits import assert_within_limits, buttons_of, text_of

CONTENT = CompletionCard(
    run_id=strategies.RUN_ID,
    model="gpt2-large",
    prompt="London was",
    earlier="",
    written=" one of the few places",
    params=SamplingParams(seed=42),
    update=Finished(Completion((), "length"), seconds=2.0),
    tokens=5,
)
card_contents = st.builds(
    CompletionCard,
    run_id=st.just(strategies.RUN_ID),
    model=strategies.texts,
    prompt=strategies.long_texts,
    earlier=strategies.long_texts,
    written=strategies.long_texts,
    params=strategies.params,
    update=strategies.updates,
    tokens=st.integers(0, 256),
)


@given(card_contents.filter(lambda content: content.prompt.strip() and len(content.model) < 100))
def test_any_completion_fits_in_a_message(content: CompletionCard) -> None:
    assert_within_limits(cards.completion(content))


def test_the_prompt_is_bold_and_the_continuation_plain() -> None:
    assert "**London was** one of the few places" in text_of(cards.completion(CONTENT))


def test_white_space_around_the_prompt_does_not_undo_the_bold() -> None:
    assert " **a b**\n one" in text_of(cards.completion(replace(CONTENT, prompt=" a b\n")))


def test_the_last_line_tells_how_to_get_the_same_text() -> None:
    text = text_of(cards.completion(CONTENT))

    assert "seed 42 · temperature 0.9 · top-k 50 · top-p 1 · 5 tokens · 2.0 s · 2.5 tokens/s" in text
    assert "gpt2-large · seed" in text


def test_greedy_needs_no_other_settings() -> None:
    greedy = replace(CONTENT, params=SamplingParams(seed=42, temperature=0))

    assert "seed 42 · greedy · 5 tokens" in text_of(cards.completion(greedy))


def test_a_finished_card_can_go_on_and_roll_again() -> None:
    buttons = buttons_of(cards.completion(CONTENT))

    assert list(buttons) == ["Continue", "Re-roll"]
    assert buttons["Continue"].custom_id == f"complete:continue:{strategies.RUN_ID}"


@pytest.mark.parametrize(("reason", "disabled"), [("length", False), ("cancelled", False), ("stop", True)])
def test_a_text_that_the_model_ended_cannot_be_continued(reason: FinishReason, disabled: bool) -> None:
    ended = replace(CONTENT, update=Finished(Completion((), reason), seconds=2.0))

    assert buttons_of(cards.completion(ended))["Continue"].disabled is disabled


@pytest.mark.parametrize(
    ("queued", "said"),
    [
        (Queued(1, None), "Your turn is next"),
        (Queued(2, None), "1 request before yours"),
        (Queued(4, 20.0), "3 requests before yours, about 20.0 s"),
    ],
)
def test_a_waiting_card_tells_the_place_in_the_queue(queued: Queued, said: str) -> None:
    view = cards.completion(replace(CONTENT, update=queued, written="", tokens=0))

    assert said in text_of(view)
    assert list(buttons_of(view)) == ["Stop"]


def test_a_growing_card_shows_how_much_is_done() -> None:
    view = cards.completion(replace(CONTENT, update=Progress(()), tokens=32))

    assert "▰▰▰▰▰▰▰▰▱▱▱▱▱▱▱▱ 32 of 64 tokens" in text_of(view)
    assert list(buttons_of(view)) == ["Stop"]


def test_model_text_cannot_ping_or_format() -> None:
    text = text_of(cards.completion(replace(CONTENT, written=" @everyone **x** ```")))

    assert "\\@everyone \\*\\*x\\*\\* \\`\\`\\`" in text
