"""The card of a request that waits while the model loads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import warming_up
from bot.cards.layout import WAITING_COLOUR
from bot.queue.updates import Warming
from tests.support.limits import assert_within_limits, buttons_of, container_of, text_of
from tests.support.strategies import long_texts

KEY = "0123456789abcdef"


@pytest.mark.parametrize(("position", "named"), [(1, "first"), (2, "2nd"), (3, "3rd"), (11, "11th")])
def test_it_names_the_place_and_how_far_the_model_is(position: int, named: str) -> None:
    view = warming_up(Warming(position, "packing weights, 43 %"), KEY)

    assert text_of(view).split("\n") == [
        f"⏳ Warming up, you're {named} in line.",
        "-# The model is loading: packing weights, 43 %",
    ]


def test_the_prompt_stands_above_the_line() -> None:
    text = text_of(warming_up(Warming(1, "starting"), KEY, prompt="London was"))

    assert text.startswith("**London was**\n⏳ Warming up")


def test_its_one_button_gives_up_the_place() -> None:
    view = warming_up(Warming(1, "starting"), KEY)

    assert {label: one.custom_id for label, one in buttons_of(view).items()} == {"Stop": f"warmup:stop:{KEY}"}
    assert container_of(view).accent_colour == WAITING_COLOUR


@given(long_texts, st.integers(1, 10**6), st.text(max_size=300))
def test_it_keeps_discord_s_limits(prompt: str, position: int, progress: str) -> None:
    assert_within_limits(warming_up(Warming(position, progress), KEY, prompt=prompt))
