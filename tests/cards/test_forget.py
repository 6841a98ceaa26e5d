"""The cards of /forget ask before anything is deleted, and say what was."""

from __future__ import annotations

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import PersonalData, ask_forget, forgotten, not_forgotten
from tests.support.limits import assert_within_limits, buttons_of, text_of

ADA = 11
A_TEXT = "A text is a prompt of yours with an answer of the model:"
OTHERS_KEEP = "Others keep their votes and scores in `/guess`"
numbers = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (PersonalData(14, 3, 2), "### Delete 14 texts, 3 votes?"),
        (PersonalData(1, 0, 0), "### Delete 1 text?"),
        (PersonalData(0, 1, 0), "### Delete 1 vote?"),
        (PersonalData(1_400, 1, 1), "### Delete 1,400 texts, 1 vote?"),
        (PersonalData(0, 0, 2), "### Delete your name from 2 rounds?"),
    ],
)
def test_it_asks_how_much_goes(data: PersonalData, asked: str) -> None:
    assert text_of(ask_forget(data, owner=ADA)).splitlines()[0] == asked


def test_it_says_what_else_goes_and_what_stays() -> None:
    text = text_of(ask_forget(PersonalData(14, 3, 2), owner=ADA))

    one_round, only_votes = (
        text_of(ask_forget(data, owner=ADA)) for data in (PersonalData(1, 0, 1), PersonalData(0, 3, 0))
    )

    assert text.splitlines()[1:] == [
        f"{A_TEXT} `/compare` makes three or more, a walk one for each step.",
        "What others made from your texts, such as a Continue or a fork, goes too.",
        f"{OTHERS_KEEP}; the 2 rounds you started stay, without your name, your vote and any text of yours.",
        "-# Messages stay in Discord, but their buttons stop working.",
    ]
    assert "`/guess`; the round you started stays, without your name" in one_round
    assert "\nOthers keep their votes and scores in `/guess`.\n" in only_votes
    assert "others" not in only_votes
    assert "A text is" not in only_votes


def test_the_buttons_know_whom_was_asked_and_about_how_much() -> None:
    buttons = buttons_of(ask_forget(PersonalData(14, 3, 2), owner=ADA))

    assert [(label, button.custom_id) for label, button in buttons.items()] == [
        ("Cancel", "forget:cancel:11"),
        ("Delete", "forget:delete:11:14:3:2"),
    ]
    assert buttons["Delete"].style is discord.ButtonStyle.danger


def test_it_says_why_it_asks_again() -> None:
    data = PersonalData(15, 3, 2)

    assert "There is more now than when I asked" in text_of(ask_forget(data, owner=ADA, is_again=True))
    assert "There is more now" not in text_of(ask_forget(data, owner=ADA))


def test_it_says_how_much_was_deleted() -> None:
    assert text_of(forgotten(PersonalData(2, 1, 0))) == (
        "### Deleted: 2 texts, 1 vote\n"
        "What others made from your texts, such as a Continue or a fork, is gone too.\n"
        "Others keep their votes and scores in `/guess`.\n"
        "-# Messages stay in Discord, but their buttons no longer work."
    )
    assert "Deleted: your name from 1 round" in text_of(forgotten(PersonalData(0, 0, 1)))
    assert not buttons_of(forgotten(PersonalData(2, 1, 1)))


def test_it_says_if_nothing_was_stored_or_deleted() -> None:
    assert text_of(forgotten(PersonalData(0, 0, 0))).startswith("I have nothing stored about you.")
    assert text_of(not_forgotten()).startswith("Nothing was deleted.")


@pytest.mark.parametrize("data", [PersonalData(2, 0, 0), PersonalData(0, 0, 0)])
def test_it_says_what_cannot_be_wiped_yet(data: PersonalData) -> None:
    waiting = "can still be found in them. I'll keep trying until it's gone."

    assert waiting in text_of(forgotten(data, pending=True))
    assert waiting not in text_of(forgotten(data))


@given(st.builds(PersonalData, numbers, numbers, numbers), st.booleans())
def test_any_amount_fits(data: PersonalData, flag: bool) -> None:
    assert_within_limits(ask_forget(data, owner=2**63, is_again=flag))
    assert_within_limits(forgotten(data, pending=flag))
