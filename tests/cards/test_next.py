"""The card of /next distinguishes likely tokens from the drawn one."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bot import cards
from bot.cards import Audience, NextCard
from bot.cards.layout import BAR_WIDTH, bar
from bot.model.protocol import Candidate, Step
from tests.support import strategies
from tests.support.limits import assert_within_limits, buttons_of, text_of

NAMES = {262: "␣the", 257: "␣a", 530: "␣one", 635: "␣also", 407: "␣not", 1748: "␣city"}
FIVE = tuple(
    Candidate(token_id, logit=10.0 - rank, logprob=math.log(0.3 / rank), rank=rank)
    for rank, token_id in enumerate([262, 257, 530, 635, 407], start=1)
)
CONTENT = NextCard(
    run_id=strategies.RUN_ID,
    audience=Audience(owner=1, private=False),
    model="gpt2-large",
    prompt="London was",
    appended=" one",
    steps_taken=1,
    temperature=1.0,
    seed=7,
    vocabulary=50257,
    step=Step(Candidate(1748, 2.5, math.log(0.01), 17), FIVE, entropy=7.0),
    names=NAMES,
)


@st.composite
def card_contents(draw: st.DrawFn) -> NextCard:
    step = draw(strategies.steps)
    ids = {candidate.token_id for candidate in (step.chosen, *step.candidates)}
    names = {token_id: draw(st.text(min_size=1, max_size=130)) for token_id in ids}
    return replace(
        CONTENT,
        prompt=draw(strategies.long_texts),
        appended=draw(strategies.long_texts),
        temperature=draw(st.floats(0, 2)),
        steps_taken=draw(st.integers(0, 1024)),
        step=step,
        names=names,
    )


@pytest.mark.slow
@given(card_contents())
def test_any_table_fits_in_a_message(content: NextCard) -> None:
    assert_within_limits(cards.next_tokens(content))


def test_every_candidate_has_its_numbers_and_a_button() -> None:
    view = cards.next_tokens(CONTENT)

    assert "**1.** `␣the` **30.0 %**" in text_of(view)
    assert "id 262 · logit 9.00" in text_of(view)
    assert buttons_of(view)["+ ␣a"].custom_id == f"next:append:{strategies.RUN_ID}:257"


def test_the_top_guess_and_the_drawn_token_are_told_apart() -> None:
    text = text_of(cards.next_tokens(CONTENT))

    assert "**Top guess:** `␣the` (30.0 %)" in text
    assert "**Seed 7 drew** `␣city` (1.0 %, rank 17)" in text


def test_the_drawn_one_is_marked_among_the_five() -> None:
    drawn = structs.replace(CONTENT.step, chosen=FIVE[1])

    assert "`␣a` **15.0 %** 🎲" in text_of(cards.next_tokens(replace(CONTENT, step=drawn)))


def test_the_whole_distribution_is_summed_up() -> None:
    text = text_of(cards.next_tokens(CONTENT))

    assert "These five: **68.5 %**. Everything else: 31.5 %." in text
    assert "**7.00 bits**, like choosing among 128 equal options" in text


def test_a_model_s_name_cannot_format_the_line() -> None:
    assert "\\*x\\* · seed" in text_of(cards.next_tokens(replace(CONTENT, model="*x*")))


def test_there_is_nothing_to_undo_at_the_start() -> None:
    assert buttons_of(cards.next_tokens(replace(CONTENT, steps_taken=0)))["Undo"].disabled
    assert not buttons_of(cards.next_tokens(CONTENT))["Undo"].disabled


@given(st.floats(0, 1), st.integers(1, 40))
def test_bars_have_their_widths_and_zero_has_none(share: float, width: int) -> None:
    drawn = bar(share, width=width)

    assert len(drawn) == width
    assert (set(drawn) == {"░"}) == (share == 0)


def test_the_longest_bar_is_that_of_a_certain_token() -> None:
    certain = structs.replace(CONTENT.step, candidates=(Candidate(262, 9.0, 0.0, 1), *FIVE[1:]))

    assert "█" * BAR_WIDTH in text_of(cards.next_tokens(replace(CONTENT, step=certain)))


def test_a_space_at_the_end_of_the_prompt_is_pointed_out() -> None:
    hint = "The prompt ends with a space"

    assert hint in text_of(cards.next_tokens(replace(CONTENT, prompt="London was ", appended="")))
    assert hint not in text_of(cards.next_tokens(replace(CONTENT, prompt="London was", appended="")))
    assert hint not in text_of(cards.next_tokens(replace(CONTENT, prompt="London was ")))
