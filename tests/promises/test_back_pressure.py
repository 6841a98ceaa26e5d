"""A small version of ``python -m tests.promises.back_pressure``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.promises.back_pressure import Pressed, measure, report

KEPT = Pressed(
    capacity=2.0,
    offered=20.0,
    requests=12_000,
    served=1_200,
    refusals=(0.02,) * 10_800,
    without_time=0,
    unanswered=0,
    memory=(100, 120, 121, 122, 123),
    worker_memory=(400, 450, 451, 450, 455),
    violations=(),
)


@pytest.mark.slow
async def test_a_refusal_says_when_to_come_back() -> None:
    pressed = await measure(0.1, 30.0, warm_up=2.0, counted=3.0)

    assert pressed.refusals
    assert pressed.without_time == 0
    assert pressed.unanswered == 0
    assert pressed.violations == ()


def test_a_kept_promise_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(KEPT) == 0
    assert "ok: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "missed",
    [
        replace(KEPT, refusals=(0.02, 1.1)),
        replace(KEPT, without_time=1),
        replace(KEPT, unanswered=1),
        replace(KEPT, memory=(100, 120, 122, 124, 127)),
        replace(KEPT, worker_memory=(400, 450, 451, 450, 475)),
        replace(KEPT, violations=("a ping",)),
    ],
)
def test_a_missed_bar_fails(missed: Pressed, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(missed) == 1
    assert "MISSED: " in capsys.readouterr().out
