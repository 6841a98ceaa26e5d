"""A small version of ``python -m tests.promises.ceiling``, and its verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.discord.paths import WEBHOOK_MESSAGE
from tests.fakes.discord.requests import Request
from tests.promises.ceiling import Ceiling, Edits, measure

WELL = Ceiling(64, (1.0,) * 100, 0.05, 64, 0, 0.4, 0.3, 0.2)


@pytest.mark.slow
async def test_every_text_is_edited_again_and_again_and_comes_to_its_end() -> None:
    found = [each async for each in measure([2, 4], 48, 4.0, settled=0.0)]

    assert [each.texts for each in found] == [2, 4]
    assert all(each.finished and not each.unfinished for each in found)
    assert all(min(each.gaps) > 0.5 for each in found)  # no faster than a person can read


def test_edits_of_one_reply_are_apart_and_its_last_one_does_not_count() -> None:
    edits = Edits()
    for token, at in (("a", 1.0), ("b", 1.5), ("a", 2.0), ("a", 3.5), ("a", 3.6), ("b", 2.0)):
        edits.append(Request("PATCH", WEBHOOK_MESSAGE, "", {"webhook_token": token}, {}, at=at))
    edits.append(Request("POST", WEBHOOK_MESSAGE, "", {"webhook_token": "a"}, {}, at=9.0))

    assert edits.gaps(0.0) == (1.0, 1.5)
    assert edits.gaps(1.2) == (1.5,)


def test_a_late_loop_a_slow_edit_or_a_lost_text_fails() -> None:
    assert WELL.kept
    assert not replace(WELL, lag=0.1).kept
    assert not replace(WELL, gaps=(1.0,) * 90 + (1.3,) * 10).kept
    assert not replace(WELL, unfinished=1).kept
