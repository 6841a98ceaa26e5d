"""What buttons refer to: kept for a day after its last use, and never without bound."""

from dataclasses import dataclass

import pytest

from bot.completions import CompletionRun
from bot.errors import RunExpired
from bot.model.protocol import SamplingParams
from bot.runs import DAY, Runs
from bot.walks import Walk


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def completion(run_id: str) -> CompletionRun:
    return CompletionRun(run_id, 1, (23421, 373), (530,), "length", SamplingParams(), private=False)


def walk(run_id: str) -> Walk:
    return Walk(run_id, 1, (23421, 373), (), 1.0, 7)


def test_a_kept_run_is_found_by_its_id() -> None:
    runs = Runs()
    runs.keep(completion("a"))
    runs.keep(walk("b"))

    assert runs.completion("a") == completion("a")
    assert runs.walk("b") == walk("b")


@pytest.mark.parametrize("run_id", ["a", "b", "never"])
def test_an_id_of_another_kind_or_of_none_has_expired(run_id: str) -> None:
    runs = Runs()
    runs.keep(completion("a"))
    runs.keep(walk("b"))

    with pytest.raises(RunExpired):
        (runs.walk if run_id == "a" else runs.completion)(run_id)


def test_a_run_is_forgotten_a_day_after_its_last_use() -> None:
    clock = Clock()
    runs = Runs(clock=clock)
    runs.keep(completion("a"))

    clock.now = 0.9 * DAY
    runs.completion("a")
    clock.now = 1.8 * DAY
    runs.completion("a")
    clock.now = 2.9 * DAY
    with pytest.raises(RunExpired):
        runs.completion("a")
    assert len(runs) == 0


def test_a_run_is_changed_by_one_press_at_a_time() -> None:
    runs = Runs()

    with runs.claimed("a") as first, runs.claimed("a") as second, runs.claimed("b") as other:
        assert (first, second, other) == (True, False, True)
    with runs.claimed("a") as again:
        assert again


def test_the_least_recently_used_run_makes_room() -> None:
    runs = Runs(capacity=2)
    runs.keep(completion("a"))
    runs.keep(completion("b"))
    runs.completion("a")
    runs.keep(completion("c"))

    assert len(runs) == 2
    assert runs.completion("a")
    with pytest.raises(RunExpired):
        runs.completion("b")
