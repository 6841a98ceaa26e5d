"""The card of /forget says what was deleted, and what is not gone yet."""

from __future__ import annotations

from bot.cards import forget
from tests.support.limits import text_of


def said(runs: int, votes: int, *, pending: bool = False) -> str:
    return text_of(forget(runs, votes, pending=pending))


def test_it_says_how_much_and_of_what() -> None:
    assert said(2, 1) == (
        "Deleted: 2 runs, that is every finished text, step of a walk and round of /guess that you asked "
        "for, and 1 vote of yours. What others made from them (Continue, Re-roll, forks, walks, tours) is "
        "deleted, too. The cards stay where they are, but their buttons no longer work."
    )


def test_nothing_is_said_to_be_so() -> None:
    assert said(0, 0) == "Nothing of yours is stored."


def test_what_cannot_be_wiped_yet_is_told() -> None:
    for counts in ((2, 0), (0, 0)):
        assert "can still be found in them. I keep trying until it is gone." in said(*counts, pending=True)
