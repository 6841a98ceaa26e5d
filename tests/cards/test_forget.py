"""The card of /forget says what was deleted, and what is not gone yet."""

from __future__ import annotations

from bot.cards import forget
from tests.support.limits import text_of


def said(runs: int, votes: int, *, pending: bool = False) -> str:
    return text_of(forget(runs, votes, pending=pending))


def test_it_says_how_many_of_what_were_deleted() -> None:
    assert said(2, 1) == (
        "Deleted: 2 saved replies (your texts, walk steps and /guess rounds) and 1 vote. What others made "
        "from them (Continue, Re-roll, forks, walks, tours) is gone too. The cards stay where they are, but "
        "their buttons no longer work."
    )


def test_it_says_if_nothing_was_stored() -> None:
    assert said(0, 0) == "I have nothing stored about you."


def test_it_says_what_cannot_be_wiped_yet() -> None:
    for counts in ((2, 0), (0, 0)):
        assert "can still be found in them. I'll keep trying until it's gone." in said(*counts, pending=True)
