"""The card of /next distinguishes likely tokens from the drawn one."""

import math
import re
from dataclasses import replace

import pytest
from discord import ui
from hypothesis import example, given
from hypothesis import strategies as st

from bot import cards
from bot.cards import Audience, NextCard
from bot.cards.layout import NO_BREAK, bar
from bot.cards.next import Rolled
from bot.cards.pictures.bars import Bar
from bot.model.protocol import Candidate, Step
from bot.text.escaping import visible
from bot.text.markdown import unformatted
from tests.support import strategies
from tests.support.limits import alt_of, assert_within_limits, buttons_of, text_of

# It ends at the first two bars, escaped or in code or not.
DISCORD_SPOILER = re.compile(r"\|\|(.+?)\|\|", re.DOTALL)
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
    top_k=50,
    seed=7,
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


def test_the_picture_is_the_table() -> None:
    *five, rest = cards.next_bars(CONTENT)

    assert five[0] == Bar("␣the", 1.0, f"30.0{NO_BREAK}%", rank="1", note="id 262 · logit 9.00")
    assert [bar.length for bar in five] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert rest == Bar("everything else", None, f"31.5{NO_BREAK}%", is_plain=True)
    assert "1. ␣the 30.0 %, id 262 · logit 9.00; 2. ␣a 15.0 %" in alt_of(cards.next_tokens(CONTENT))


def test_every_candidate_has_a_button() -> None:
    buttons = buttons_of(cards.next_tokens(CONTENT))

    assert list(buttons)[:5] == ["① ␣the", "② ␣a", "③ ␣one", "④ ␣also", "⑤ ␣not"]
    assert buttons["② ␣a"].custom_id == f"next:append:{strategies.RUN_ID}:257"


def test_the_card_does_not_tell_what_the_dice_will_show() -> None:
    view = cards.next_tokens(CONTENT)
    ids = [item.custom_id or "" for item in view.walk_children() if isinstance(item, ui.Button)]

    assert "␣city" not in text_of(view) + alt_of(view) + "".join(buttons_of(view))
    assert not any("1748" in one for one in ids)


@pytest.mark.parametrize(("rank", "place"), [(1, "top"), (2, "2nd"), (36, "36th"), (1_013, "1,013th")])
def test_the_card_says_what_a_roll_added(rank: int, place: str) -> None:
    rolled = Rolled("␣on", rank, math.log(0.004))

    assert f"🎲 It drew `␣on`, its {place} choice (0.4 %)." in text_of(
        cards.next_tokens(replace(CONTENT, rolled=rolled))
    )


def test_numbers_have_every_figure() -> None:
    text = text_of(cards.next_numbers(CONTENT))

    assert "**1.** `␣the` **30.0 %** · id 262 · logit 9.00" in text
    assert "Seed 7 draws here: ||␣city, 1.0 %, rank 17, id 1748, logit 2.50.||\n" in text
    assert "These five: **68.5 %**. Everything else: 31.5 %." in text
    assert "**7.00 bits**, like choosing among 128 equal options" in text


@example("||")
@example("a||b `||` \\||")
@example("`||")
@given(st.text(min_size=1, max_size=6).map(visible))
def test_what_the_dice_will_show_is_a_spoiler_whatever_the_token_is(name: str) -> None:
    text = text_of(cards.next_numbers(replace(CONTENT, names={**NAMES, 1748: name})))
    outside, hidden, rest = DISCORD_SPOILER.split(text)

    figures = unformatted(hidden).replace("\u2068", "").replace("\u2069", "")
    assert figures == f"{name}, 1.0 %, rank 17, id 1748, logit 2.50."
    assert outside.endswith("\nSeed 7 draws here: ")
    assert rest.startswith("\n-# gpt2-large")


@pytest.mark.slow
@given(card_contents())
def test_numbers_of_any_table_fit_in_a_message(content: NextCard) -> None:
    assert_within_limits(cards.next_numbers(content))


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


def test_a_space_at_the_end_of_the_prompt_is_pointed_out() -> None:
    hint = "The prompt ends with a space"

    assert hint in text_of(cards.next_tokens(replace(CONTENT, prompt="London was ", appended="")))
    assert hint not in text_of(cards.next_tokens(replace(CONTENT, prompt="London was", appended="")))
    assert hint not in text_of(cards.next_tokens(replace(CONTENT, prompt="London was ")))
