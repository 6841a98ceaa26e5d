"""A small version of ``python -m tests.promises.accounting``."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.promises.accounting import OUTCOMES, Accounting, measure, report


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_request_is_accounted_for_and_gets_one_outcome(seed: int) -> None:
    measured = await measure(600, seed, per_round=300, between_kills=60)

    assert measured.wrong == ()
    assert measured.accepted == sum(measured.outcomes[name] for name in OUTCOMES)
    assert measured.requested == measured.accepted + measured.refused.total()
    assert measured.accepted == measured.delivered.total() + measured.left
    assert {name for name in OUTCOMES if measured.outcomes[name]} >= {"finished", "cancelled"}
    assert measured.kills


KEPT = Accounting(
    requested=10,
    accepted=8,
    refused=Counter(QueueFull=2),
    outcomes=Counter(finished=4, cancelled=2, expired=1, failed=1),
    delivered=Counter(finished=4, expired=1, failed=1),
    left=2,
    kills=1,
    seconds=1.0,
    wrong=(),
)


def test_accounts_that_add_up_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KEPT) == 0
    assert "ok: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "missed",
    [
        replace(KEPT, wrong=("delivered twice",)),
        replace(KEPT, accepted=9),
        replace(KEPT, accepted=7, outcomes=Counter(finished=4, cancelled=2, expired=1)),
        replace(KEPT, refused=Counter()),
        replace(KEPT, kills=0),
    ],
)
def test_accounts_that_do_not_add_up_or_lack_an_outcome_fail(
    missed: Accounting, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(missed) == 1
    assert "MISSED: " in capsys.readouterr().out
