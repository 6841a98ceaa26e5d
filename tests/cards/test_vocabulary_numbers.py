"""*Numbers* of a token: ids, bytes and neighbours."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot import cards
from bot.cards import Similar
from bot.text.pieces import Token
from tests.support.limits import text_of
from tests.support.vocabulary_cards import CONTENT


def test_the_closest_tokens_are_listed_with_their_ids() -> None:
    text = text_of(cards.vocabulary_numbers(CONTENT))

    assert "by the cosine of their learned numbers (embeddings): 1 is the same direction" in text
    assert "token           cosine     id\n␣shall           0.712   2236\n" in text
    assert "\n␣may            −0.040    743\n" in text


def test_right_to_left_text_does_not_move_the_numbers_beside_it() -> None:
    token = Token(7, "של".encode())
    content = replace(CONTENT, similar=(Similar(token, 0.5),), neighbours=(token,))
    text = text_of(cards.vocabulary_numbers(content))

    assert "\u2068של\u2069               0.500      7" in text
    assert "     7  \u2068של\u2069" in text


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (Token(255, b"\xad"), "The first 256 of the 50,257 ids are single bytes"),
        (Token(256, b" t"), "bytes first, then frequent pairs joined."),
        (Token(50256, b"<|endoftext|>"), "this one was added last"),
    ],
)
def test_the_order_of_the_neighbouring_ids_is_explained(token: Token, said: str) -> None:
    reasons = {"The first 256 of", "then frequent pairs joined", "was added last"}
    content = replace(CONTENT, token=token, ends_text=token.id == 50256)
    text = text_of(cards.vocabulary_numbers(content)).replace("\n", " ")

    assert re.search(rf"\*\*Neighbours by id\.\*\* [^*`]*{re.escape(said)}", text)
    assert "created" not in text_of(cards.vocabulary(content))
    assert sum(reason in text for reason in reasons) == 1


def test_the_token_is_marked_among_its_neighbours() -> None:
    text = text_of(cards.vocabulary_numbers(CONTENT))

    assert "    480  ame\n→   481  ␣will\n    482  ok" in text
