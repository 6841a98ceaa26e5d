"""The card of /complete says what was requested, what was written, and how."""

from dataclasses import replace

import pytest
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import Audience, CompletionCard
from bot.cards.layout import DONE_COLOUR, PRIVATE_COLOUR, WAITING_COLOUR, WRITING_COLOUR
from bot.model.protocol import FinishReason, SamplingParams
from bot.queue.updates import Completion, Finished, Progress, Queued, Update
from tests.support import strategies
from tests.support.limits import assert_within_limits, buttons_of, container_of, text_of

CONTENT = CompletionCard(
    run_id=strategies.RUN_ID,
    audience=Audience(owner=1, private=False),
    model="gpt2-large",
    prompt="London was",
    written=" one of the few places",
    params=SamplingParams(seed=42),
    update=Finished(Completion((), "length"), seconds=2.0),
    tokens=5,
    requested=64,
    can_continue=True,
)
card_contents = st.builds(
    CompletionCard,
    run_id=st.just(strategies.RUN_ID),
    audience=strategies.audiences,
    model=strategies.texts,
    prompt=strategies.long_texts,
    written=strategies.long_texts,
    params=strategies.params,
    update=strategies.updates,
    tokens=st.integers(0, 256),
    requested=st.integers(1, 256),
    earlier=st.integers(0, 1024),
    by_hand=st.lists(st.integers(0, 1023), max_size=5).map(tuple),
    chosen=strategies.texts,
    requested_by=st.none() | st.integers(0, 2**63 - 1),
    context=st.none() | st.just(1024),
    recalled=st.none() | st.just("2026-11-24 20:00 UTC"),
    can_continue=st.booleans(),
    cut_short=st.booleans(),
)


@pytest.mark.slow
@given(card_contents.filter(lambda content: content.prompt.strip() and len(content.model) < 100))
def test_any_completion_fits_in_a_message(content: CompletionCard) -> None:
    assert_within_limits(cards.completion(content))


def test_the_prompt_is_bold_and_the_continuation_plain() -> None:
    assert "**London was** one of the few places" in text_of(cards.completion(CONTENT))


def test_white_space_around_the_prompt_does_not_undo_the_bold() -> None:
    assert " **a b**\n one" in text_of(cards.completion(replace(CONTENT, prompt=" a b\n")))


def test_the_last_line_says_how_to_get_the_same_text() -> None:
    text = text_of(cards.completion(CONTENT))

    assert text.splitlines()[-1] == "-# gpt2-large · seed 42 · temperature 0.9 · top-k 50 · 5 tokens"


def test_the_last_line_names_what_is_switched_on() -> None:
    content = replace(CONTENT, params=SamplingParams(seed=42, temperature=1.5, top_k=0, top_p=0.9))

    assert "seed 42 · temperature 1.5 · top-p 0.9 · 5 tokens" in text_of(cards.completion(content))


@pytest.mark.parametrize(
    ("update", "private", "colour"),
    [
        (Queued(1, None), False, WAITING_COLOUR),
        (Progress(()), True, WRITING_COLOUR),
        (CONTENT.update, False, DONE_COLOUR),
        (CONTENT.update, True, PRIVATE_COLOUR),
    ],
)
def test_the_colour_says_how_far_the_text_is_and_who_sees_it(
    update: Update, private: bool, colour: int
) -> None:
    content = replace(CONTENT, update=update, audience=Audience(1, private))

    assert container_of(cards.completion(content)).accent_colour == colour


@pytest.mark.parametrize("update", [Queued(2, 10.0), Progress(()), CONTENT.update])
def test_text_result_buttons_and_small_print_come_in_this_order(update: Update) -> None:
    kinds = [type(item) for item in container_of(cards.completion(replace(CONTENT, update=update))).children]

    assert kinds[:3] == [ui.TextDisplay, ui.Separator, ui.TextDisplay]
    assert set(kinds[3:-1]) == {ui.ActionRow}
    assert kinds[-1] is ui.TextDisplay


def test_there_are_at_most_three_lines_of_result() -> None:
    forked = replace(CONTENT, prompt="London was ", by_hand=(3,), requested_by=815, recalled="noon")
    result = container_of(cards.completion(replace(forked, written=" word" * 1_000))).children[2]

    assert isinstance(result, ui.TextDisplay)
    assert result.content.count("\n") == 2


def test_greedy_needs_no_other_settings() -> None:
    greedy = replace(CONTENT, params=SamplingParams(seed=42, temperature=0))

    assert "seed 42 · greedy · 5 tokens" in text_of(cards.completion(greedy))


def test_a_finished_card_can_go_on_and_roll_again() -> None:
    buttons = buttons_of(cards.completion(CONTENT))

    assert list(buttons)[:2] == ["Continue", "Re-roll"]
    assert buttons["Continue"].custom_id == f"complete:continue:{strategies.RUN_ID}"


def test_a_finished_card_can_be_looked_into_and_closed() -> None:
    buttons = buttons_of(cards.completion(CONTENT))

    assert list(buttons)[2:] == ["Why this word?", "Numbers", "Code", "Replay", "Receipt", "Delete"]
    assert buttons["Numbers"].custom_id == f"numbers:complete:{strategies.RUN_ID}:5:2000"
    assert buttons["Why this word?"].custom_id == f"why:open:{strategies.RUN_ID}"
    private = replace(CONTENT, audience=Audience(owner=1, private=True))
    assert list(buttons_of(cards.completion(private)))[-1] == "Share"


def test_an_empty_text_has_nothing_to_look_into() -> None:
    buttons = buttons_of(cards.completion(replace(CONTENT, written="", tokens=0)))

    assert buttons["Why this word?"].disabled
    assert buttons["Replay"].disabled


@pytest.mark.parametrize(
    ("positions", "said"),
    [
        ((27,), "Forked at token 28: `␣reason`."),
        ((3, 27), "Forked 2 times, last at token 28: `␣reason`."),
    ],
)
def test_a_fork_says_what_was_chosen_by_hand(positions: tuple[int, ...], said: str) -> None:
    forked = replace(CONTENT, by_hand=positions, chosen="␣reason")

    assert said in text_of(cards.completion(forked))


def test_a_text_from_a_press_names_the_person_who_pressed() -> None:
    assert "Requested by <@815>." in text_of(cards.completion(replace(CONTENT, requested_by=815)))
    assert "Requested" not in text_of(cards.completion(CONTENT))


def test_a_fork_says_who_forked_and_says_it_once() -> None:
    fork = replace(CONTENT, by_hand=(3, 27), is_fork=True, requested_by=815)
    text, later = (text_of(cards.completion(one)) for one in (fork, replace(fork, is_fork=False)))

    assert "Forked 2 times, last by <@815> at token 28." in text
    assert "Requested by" not in text
    assert "Forked 2 times, last at token 28. Requested by <@815>." in later


def test_a_continued_text_counts_old_and_new_tokens() -> None:
    assert "25 tokens (5 new)" in text_of(cards.completion(replace(CONTENT, earlier=20)))


def test_a_text_that_cannot_go_on_has_its_button_disabled() -> None:
    assert buttons_of(cards.completion(replace(CONTENT, can_continue=False)))["Continue"].disabled


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("length", "Stopped at the 64-token limit."),
        ("cancelled", "Stopped after 5 of 64 tokens."),
        ("stop", "The model ended its text here."),
    ],
)
def test_the_card_says_why_the_text_ends_where_it_does(reason: FinishReason, said: str) -> None:
    ended = replace(CONTENT, update=Finished(Completion((), reason), seconds=2.0))

    assert said in text_of(cards.completion(ended))


def test_a_text_that_fills_the_context_says_that_it_cannot_go_on() -> None:
    full = replace(CONTENT, context=1024)

    assert "The text fills all 1,024 tokens the model can see." in text_of(cards.completion(full))


def test_a_failed_text_is_labelled_as_cut_short_and_shows_no_speed() -> None:
    failed = Finished(Completion((), "cancelled"), seconds=0.0)
    text = text_of(cards.completion(replace(CONTENT, update=failed, cut_short=True)))

    assert "Cut short." in text
    assert "Stopped" not in text
    assert text.endswith("5 tokens")


@pytest.mark.parametrize(
    ("queued", "said"),
    [
        (Queued(1, None), "You're first in line."),
        (Queued(2, None), "You're 2nd in line."),
        (Queued(4, 20.0), "You're 4th in line, about 20.0 s to go."),
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


def test_a_text_that_is_too_long_for_a_card_has_a_file() -> None:
    long = replace(CONTENT, written=" word" * 1000)

    assert cards.is_clipped(long)
    assert any(isinstance(item, ui.File) for item in cards.completion(long).walk_children())
    assert not cards.is_clipped(CONTENT)
    assert not any(isinstance(item, ui.File) for item in cards.completion(CONTENT).walk_children())


@given(strategies.long_texts, strategies.long_texts)
def test_a_text_that_is_not_clipped_is_shown_whole(prompt: str, written: str) -> None:
    content = replace(CONTENT, prompt=prompt, written=written)
    if not cards.is_clipped(content):
        assert "…" not in text_of(cards.completion(content)).replace("…", "", (prompt + written).count("…"))


def test_a_space_at_the_end_of_the_prompt_is_pointed_out() -> None:
    hint = "The prompt ends with a space"

    assert hint in text_of(cards.completion(replace(CONTENT, prompt="London was ")))
    assert hint not in text_of(cards.completion(replace(CONTENT, prompt="London was")))


def test_a_card_with_every_possible_line_fits_in_a_message() -> None:
    content = replace(
        CONTENT,
        model="*" * 99,
        prompt="*" * 1_999 + " ",
        written="*" * 5_000,
        by_hand=(1, 1_022),
        chosen="W" * 100,
        requested_by=2**63 - 1,
        recalled="2026-11-24 20:00 UTC",
        context=1_024,
        earlier=1_000,
        tokens=256,
        params=SamplingParams(seed=2**32 - 1, temperature=1.2345, top_k=1_000, top_p=0.12345),
    )

    assert_within_limits(cards.completion(content))
