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
    requests=16,
    notified=16,
    late=3,
    late_notified=3,
    unfinished=(),
    worker_outlived=False,
    violations=(),
)


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="finds the worker in Linux's /proc")
async def test_a_busy_bot_ends_in_time_and_leaves_no_card_unfinished() -> None:
    ended = await measure("orderly", signal.SIGINT, writers=9)

    assert ended.status == 0
    assert ended.unfinished == ()
    assert ended.violations == ()
    assert not ended.worker_outlived
    assert ended.requests > 9


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="finds the worker in Linux's /proc")
async def test_a_requested_picture_arrives_or_the_reply_names_the_restart() -> None:
    ended = await measure("drawing", signal.SIGTERM)

    assert ended.kept, ended
    assert ended.requests == PICTURES
    assert 0 < ended.notified < ended.requests


def test_a_kept_promise_passes(capsys: pytest.CaptureFixture[str]) -> None:
    twice = replace(KEPT, kind="twice", status=143, seconds=0.2, unfinished=("thinking",))
    drawing = replace(KEPT, kind="drawing", seconds=6.0)

    assert report([KEPT, twice, drawing]) == 0
    assert capsys.readouterr().out.count("ok") == 4  # each, and all


@pytest.mark.parametrize(
    "missed",
    [
        replace(KEPT, status=1),
        replace(KEPT, seconds=31.0),
        replace(KEPT, seconds=12.0),
        replace(KEPT, late_notified=2),
        replace(KEPT, unfinished=("thinking",)),
        replace(KEPT, worker_outlived=True),
        replace(KEPT, violations=("a mention",)),
        replace(KEPT, kind="drawing", seconds=11.0),
        replace(KEPT, kind="twice", status=143, seconds=1.5),
        replace(KEPT, kind="twice", status=0, seconds=0.2),
    ],
)
def test_a_missed_bar_fails(missed: Shutdown, capsys: pytest.CaptureFixture[str]) -> None:
    assert report([missed]) == 1
    assert "MISSED" in capsys.readouterr().out
