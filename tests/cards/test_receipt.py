"""The card of a receipt says what its file is good for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import cards
from bot.features.receipt import receipt_of
from bot.model.model_info import Fingerprint
from tests.fakes.scripted_worker import scripted_info
from tests.support.limits import assert_within_limits, text_of
from tests.support.samples import completion_run


@pytest.mark.parametrize(
    ("by_hand", "said"),
    [((), "that it wrote these 3 tokens."), ((1,), "that it wrote this token, from token 3 on.")],
)
def test_a_receipt_says_what_can_be_checked(by_hand: tuple[int, ...], said: str) -> None:
    made = Fingerprint(weights="0f" * 32, precision="int8", engine=4)
    run = replace(completion_run("a" * 16, 10, 20, 30, by_hand=by_hand), fingerprint=made)
    receipt = receipt_of(run, scripted_info("0f" * 32))
    view = cards.receipt_card(receipt)

    assert said in text_of(view)
    assert receipt.receipt[:16] in text_of(view)
    assert "python -m bot verify receipt.json" in text_of(view)
    assert_within_limits(view)
