"""A small version of ``python -m tests.promises.accounting``."""

from __future__ import annotations

import pytest

from tests.promises.accounting import OUTCOMES, measure, report


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_request_is_accounted_for_and_everybody_told_once(
    seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = await measure(600, seed, per_round=300, between_deaths=60)

    assert measured.wrong == ()
    assert measured.accepted == sum(measured.outcomes[name] for name in OUTCOMES)
    assert measured.asked == measured.accepted + measured.refused.total()
    assert measured.accepted == measured.told.total() + measured.left
    assert {name for name in OUTCOMES if measured.outcomes[name]} >= {"finished", "cancelled"}
    assert measured.deaths
    assert report(measured) == 0
    assert "wrong      0 (bar 0)   ok" in capsys.readouterr().out
