"""A small version of ``python -m tests.promises.fairness``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.promises.fairness import (
    MANY,
    ONE,
    TWENTY,
    Arrival,
    Drawn,
    Fairness,
    Pattern,
    draw,
    finished_at,
    measure,
    report,
)

DRAWN = Drawn(requested=100, between=1, left=90, seconds=0.4)


async def test_a_delay_is_one_request_s_time_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    measured = await measure(12, seed=5)

    assert len(measured.delays) == 12
    assert 0 < max(measured.delays) <= 1
    assert report(measured, DRAWN) == 0
    assert "ok" in capsys.readouterr().out


@pytest.mark.parametrize(("at", "end"), [(0, 14), (1, 14), (6, 14), (8, 21)])
async def test_a_single_request_runs_after_the_one_under_way(at: int, end: int) -> None:
    many = tuple(Arrival(0, MANY, steps=7) for _ in range(TWENTY))

    assert await finished_at(Pattern(1, (*many, Arrival(at, ONE, steps=7))), ONE) == end


@pytest.mark.slow
async def test_a_picture_waits_for_few_of_another_person_s_hundred() -> None:
    drawn = await draw(100)

    assert drawn.kept, drawn


def test_a_longer_delay_fails(capsys: pytest.CaptureFixture[str]) -> None:
    fair = Fairness(delays=(0.5, 1.0), slots=(1, 1))

    assert report(Fairness(delays=(0.5, 1.1), slots=(1, 1)), DRAWN) == 1
    assert report(fair, replace(DRAWN, between=4)) == 1
    assert report(fair, replace(DRAWN, between=0, left=0)) == 1
    assert capsys.readouterr().out.count("MISSED") == 3
    assert report(fair, DRAWN) == 0
