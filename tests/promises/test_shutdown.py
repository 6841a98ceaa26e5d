"""A small version of ``python -m tests.promises.shutdown``."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from tests.promises.shutdown import PICTURES, Shutdown, measure, report
from tests.support.processes import PROC

KEPT = Shutdown(
    kind="stuck",
    number=signal.SIGTERM,
    seconds=22.0,
    status=0,
    asked=16,
    told=16,
    late=3,
    late_told=3,
    left=(),
    worker_outlived=False,
    violations=(),
)


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="finds the worker by Linux' list of processes")
async def test_a_busy_bot_ends_in_order_and_leaves_no_card_behind() -> None:
    ended = await measure("orderly", signal.SIGINT, writers=9)

    assert ended.status == 0
    assert ended.left == ()
    assert ended.violations == ()
    assert not ended.worker_outlived
    assert ended.asked > 9


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="finds the worker by Linux' list of processes")
async def test_who_waits_for_a_picture_gets_it_or_is_told() -> None:
    ended = await measure("drawing", signal.SIGTERM)

    assert ended.kept, ended
    assert ended.asked == PICTURES
    assert 0 < ended.told < ended.asked


def test_what_was_kept_is_reported_so(capsys: pytest.CaptureFixture[str]) -> None:
    twice = replace(KEPT, kind="twice", status=143, seconds=0.2, left=("thinking",))
    drawing = replace(KEPT, kind="drawing", seconds=6.0)

    assert report([KEPT, twice, drawing]) == 0
    assert capsys.readouterr().out.count("ok") == 4  # each, and all


@pytest.mark.parametrize(
    "missed",
    [
        replace(KEPT, status=1),
        replace(KEPT, seconds=31.0),
        replace(KEPT, seconds=12.0),
        replace(KEPT, late_told=2),
        replace(KEPT, left=("thinking",)),
        replace(KEPT, worker_outlived=True),
        replace(KEPT, violations=("a mention",)),
        replace(KEPT, kind="drawing", seconds=11.0),
        replace(KEPT, kind="twice", status=143, seconds=1.5),
        replace(KEPT, kind="twice", status=0, seconds=0.2),
    ],
)
def test_what_was_missed_is_reported_so(missed: Shutdown, capsys: pytest.CaptureFixture[str]) -> None:
    assert report([missed]) == 1
    assert "MISSED" in capsys.readouterr().out
