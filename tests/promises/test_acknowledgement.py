"""A small version of ``python -m tests.promises.acknowledgement``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.promises.acknowledgement import Acknowledged, measure, report

KEPT = Acknowledged(
    latencies=(*[0.05] * 9_990, *[0.99] * 9, 2.9),
    rate=49.9,
    unanswered=0,
    late=50,
    late_answered=0,
    busy=0.99,
    violations=(),
)


@pytest.mark.slow
async def test_interactions_are_acknowledged_unless_they_arrive_late() -> None:
    measured = await measure(80, 10.0, seed=5)

    assert measured.unanswered == 0
    assert measured.late > 0
    assert measured.late_answered == 0
    assert len(measured.latencies) + measured.late == 80
    assert measured.violations == ()


def test_a_kept_promise_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KEPT, 50.0) == 0
    assert "ok: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "missed",
    [
        replace(KEPT, latencies=(*KEPT.latencies, 3.1)),
        replace(KEPT, latencies=(*[0.05] * 9_980, *[1.1] * 20)),
        replace(KEPT, unanswered=1),
        replace(KEPT, late_answered=1),
        replace(KEPT, violations=("a ping",)),
        replace(KEPT, busy=0.5),
        replace(KEPT, rate=40.0),
    ],
)
def test_a_missed_bar_fails(missed: Acknowledged, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(missed, 50.0) == 1
    assert "MISSED: " in capsys.readouterr().out
