"""*Numbers* of a text: what the card itself leaves out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cards
from bot.cards import CompletionNumbers
from bot.features.complete import CompletionRun
from bot.model.protocol import SamplingParams, Step
from bot.text.tokenization import Encodings
from tests.support import strategies
from tests.support.limits import assert_within_limits, text_of
from tests.support.samples import FINGERPRINT, LONDON_WAS, completion_run, step

RUN = completion_run(
    "a" * 16,
    steps=(
        step(530, logprob=-math.log(2)),
        step(286, rank=700, logprob=-math.log(8)),
        step(262, rank=2, logprob=-math.log(4)),
    ),
    params=SamplingParams(max_new_tokens=64, seed=42),
)


def said(run: CompletionRun = RUN, *, tokens: int = 3, seconds: float = 1.5) -> list[str]:
    content = cards.describe_numbers(run, Encodings(), tokens=tokens, seconds=seconds)
    return text_of(cards.completion_numbers(content)).splitlines()


def test_every_figure_is_named() -> None:
    assert said() == [
        "**Settings:** temperature 0.9 · top-k 50 · top-p 1 · seed 42 · up to 64 tokens at a time",
        "**Tokens:** 2 in the prompt, 3 after it",
        "**Speed:** 3 tokens in 1.5 s, 2.0 tokens/s",
        "**Picks:** top guess 1 of 3 times; riskiest pick: rank 700, `␣of`",
        "**On average:** surprise 2.00 bits a token, entropy before it 1.50 bits",
        "**Ids:** `23421 373 530 286 262`",
        f"-# float32 · fingerprint {FINGERPRINT}",
    ]


def test_what_a_person_picked_is_no_pick_of_the_model_s() -> None:
    lines = said(replace(RUN, by_hand=(1,)))

    assert "**Picks:** top guess 1 of 2 times; riskiest pick: rank 2, `␣the`" in lines
    assert "**On average:** surprise 1.50 bits a token, entropy before it 1.50 bits" in lines


@pytest.mark.parametrize("by_hand", [(), (0,)])
def test_a_text_without_a_token_of_the_model_s_own_has_no_picks(by_hand: tuple[int, ...]) -> None:
    run = replace(RUN, steps=RUN.steps[: len(by_hand)], by_hand=by_hand)

    assert not any("Picks" in line or "average" in line for line in said(run))


def test_a_saved_reply_has_no_speed() -> None:
    assert not any("Speed" in line for line in said(seconds=0.0))


def test_greedy_and_a_mixed_text_are_labelled() -> None:
    lines = said(replace(RUN, params=SamplingParams(seed=1, temperature=0, top_k=0), mixed=True))

    assert lines[0].startswith("**Settings:** greedy · top-k off · top-p 1 · seed 1")
    assert lines[-1].endswith("(mixed)")


@given(
    steps=st.lists(strategies.steps, max_size=400),
    params=strategies.params,
    prompt=st.integers(1, 1024),
    seconds=st.floats(0, 900),
    riskiest=strategies.texts.filter(bool),
)
def test_any_numbers_fit_in_a_message(
    steps: list[Step], params: SamplingParams, prompt: int, seconds: float, riskiest: str
) -> None:
    run = replace(RUN, steps=tuple(steps), params=params, prompt_ids=LONDON_WAS * prompt)
    content = CompletionNumbers(run, len(steps), seconds, riskiest)

    assert_within_limits(cards.completion_numbers(content))
