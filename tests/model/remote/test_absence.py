"""How long a service has been away, when that is said again, and when it is given up."""

from __future__ import annotations

from bot.model.remote.absence import Absence, Bounds
from tests.support.clocks import Clock


def test_it_is_said_at_once_and_then_ever_more_seldom() -> None:
    clock = Clock()
    absence = Absence(clock)
    said = []
    for second in range(0, 2 * 3600, 2):
        clock.now = float(second)
        if absence.lasts(is_there=False):
            said.append(second)
    assert said == [0, 60, 180, 420, 900, 1860, 3660, 5460]


def test_it_is_said_at_once_when_somebody_answers_and_when_nobody_does_any_longer() -> None:
    clock = Clock()
    absence = Absence(clock)
    said = []
    for second, is_there in enumerate([False, False, True, True, False, True, True]):
        clock.now = float(second)
        said.append(absence.lasts(is_there=is_there))
    assert said == [True, False, True, False, True, True, False]


def test_a_new_absence_begins_anew() -> None:
    clock = Clock()
    absence = Absence(clock)
    absence.lasts(is_there=False)
    clock.now += 100
    absence.ends()
    assert absence.lasts(is_there=False)
    assert absence.seconds == 0


def test_where_nobody_is_it_is_given_up_sooner_than_where_somebody_is() -> None:
    clock, bounds = Clock(), Bounds(nobody=30, unready=600)
    absence = Absence(clock)
    absence.lasts(is_there=False)
    clock.now += 29
    assert not absence.exceeds(bounds)
    absence.lasts(is_there=True)
    clock.now += 500
    absence.lasts(is_there=True)
    assert not absence.exceeds(bounds)
    clock.now += 71
    assert absence.exceeds(bounds)


def test_only_the_time_without_anybody_counts_against_nobody() -> None:
    clock, bounds = Clock(), Bounds(nobody=30, unready=600)
    absence = Absence(clock)
    absence.lasts(is_there=True)
    clock.now += 100
    absence.lasts(is_there=False)
    assert not absence.exceeds(bounds)
    clock.now += 30
    absence.lasts(is_there=False)
    assert absence.exceeds(bounds)
