"""What a broken or hostile service says is not taken for a text."""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from bot.model.protocol import Candidate, Ended, Rejected, Step, Stepped
from bot.model.remote.faults import fault
from tests.support.scripted_requests import a_request

TOKEN = Candidate(7, 1.0, -0.5, 1)
UNLIKELY = Candidate(49, -9.0, -math.inf, 2)
STEP = Step(TOKEN, (TOKEN, UNLIKELY), 1.5)


def found(message: Stepped | Ended | Rejected) -> str | None:
    return fault(message, a_request(steps=6), vocabulary=50)


@pytest.mark.parametrize(
    "message", [Stepped("a", 0, STEP), Stepped("a", 5, STEP), Ended("a", "stop"), Rejected("a", "no")]
)
def test_what_belongs_to_the_text_is_none(message: Stepped | Ended | Rejected) -> None:
    assert found(message) is None


@pytest.mark.parametrize("message", [Stepped("b", 0, STEP), Ended("b", "stop"), Rejected("b", "no")])
def test_what_belongs_to_another_text_is_one(message: Stepped | Ended | Rejected) -> None:
    assert found(message) == "something of another text"


def test_more_than_was_asked_for_is_one() -> None:
    assert found(Stepped("a", 6, STEP)) == "more steps than were asked for"
    many = structs.replace(STEP, candidates=(TOKEN,) * 6)
    assert found(Stepped("a", 0, many)) == "more candidates than were asked for"


@pytest.mark.parametrize(
    "token",
    [
        structs.replace(TOKEN, token_id=50),
        structs.replace(TOKEN, logprob=math.nan),
        structs.replace(TOKEN, logprob=math.inf),
        structs.replace(TOKEN, logit=math.nan),
    ],
)
def test_a_token_that_cannot_be_is_one(token: Candidate) -> None:
    for step in (structs.replace(STEP, chosen=token), structs.replace(STEP, candidates=(token,))):
        assert found(Stepped("a", 0, step)) == "a token that cannot be"


@pytest.mark.parametrize("entropy", [math.nan, math.inf, -1.0])
def test_an_entropy_that_cannot_be_is_one(entropy: float) -> None:
    assert found(Stepped("a", 0, structs.replace(STEP, entropy=entropy))) == "an entropy that cannot be"
