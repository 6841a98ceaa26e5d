"""The next worker comes soon, and later only where it comes in vain."""

from __future__ import annotations

from bot.model.client.restarts import LONGEST_PAUSE, Restarts


def a_life(restarts: Restarts, *, ready: bool) -> float:
    """The pause after it."""
    restarts.life_begins()
    if ready:
        restarts.ready()
    return restarts.again()


def test_a_worker_that_served_is_replaced_soon_however_often_it_dies() -> None:
    restarts = Restarts(0.2)
    assert [a_life(restarts, ready=True) for _ in range(100)] == [0.2] * 100
    assert restarts.total == 100


def test_each_life_in_vain_doubles_the_pause_up_to_the_longest() -> None:
    restarts = Restarts(0.2)
    pauses = [a_life(restarts, ready=False) for _ in range(100)]
    assert pauses[:4] == [0.4, 0.8, 1.6, 3.2]
    assert set(pauses[4:]) == {LONGEST_PAUSE}
    assert restarts.in_vain == 100
    assert a_life(restarts, ready=True) == 0.2


def test_the_pause_stays_the_longest_however_many_lives_are_in_vain() -> None:
    restarts = Restarts(0.2, in_vain=5_000)
    assert a_life(restarts, ready=False) == LONGEST_PAUSE
