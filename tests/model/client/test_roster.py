"""A request that kills the worker fails, and no other does."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import GenerationFailed, ShuttingDown
from bot.model.client.roster import DEATHS_WITHOUT_GETTING_FURTHER, Roster, Run
from bot.model.protocol import Ended, GenerationRequest, SamplingParams, Stepped
from tests.fakes.scripted_worker import scripted_step
from tests.support.driving import seeded


def a_request(name: str, steps: int = 3) -> GenerationRequest:
    return GenerationRequest(name, (1, 2), SamplingParams(max_new_tokens=steps))


def said(run: Run) -> list[object]:
    return [run.events.get_nowait() for _ in range(run.events.qsize())]


def whole(request: GenerationRequest) -> list[object]:
    name, count = request.request_id, request.params.max_new_tokens
    steps = [Stepped(name, index, scripted_step(request, index)) for index in range(count)]
    return [*steps, Ended(name, "length")]


class Simulation:
    """A worker that takes one step of every request in turn, and dies.

    It dies at the second step of ``poison``, or at a random one if ``erratic``.
    """

    def __init__(self, poison: frozenset[str], *, erratic: Random | None = None) -> None:
        self.roster = Roster()
        self.poison = poison
        self.erratic = erratic
        self.at: dict[str, tuple[GenerationRequest, int]] = {}
        self.deaths = 0

    def step(self) -> None:
        for request in self.roster.submit():
            self.at[request.request_id] = (request, 0)
        for name, (request, index) in list(self.at.items()):
            if name in self.poison and self.kills(index, request):
                self.die()
                return
            if index == request.params.max_new_tokens:
                del self.at[name]
                assert self.roster.heard(Ended(name, "length"))
            else:
                self.at[name] = (request, index + 1)
                assert self.roster.heard(Stepped(name, index, scripted_step(request, index)))

    def kills(self, index: int, request: GenerationRequest) -> bool:
        if self.erratic is None:
            return index == 1
        last = index == request.params.max_new_tokens
        return last or self.erratic.random() < 0.5

    def die(self) -> None:
        self.at.clear()
        self.deaths += 1
        self.roster.worker_died()


@pytest.mark.slow
@given(
    arrivals=st.lists(st.tuples(st.integers(0, 4), st.integers(2, 6), st.booleans()), min_size=1, max_size=10)
)
def test_poison_fails_and_the_rest_finish(arrivals: list[tuple[int, int, bool]]) -> None:
    """Each request arrives after some steps, has a length, and may be poison."""
    poison = frozenset(str(number) for number, (_, _, bad) in enumerate(arrivals) if bad)
    simulation = Simulation(poison)
    runs: list[Run] = []
    for number, (after, steps, _) in enumerate(arrivals):
        for _ in range(after):
            simulation.step()
        runs.append(simulation.roster.add(a_request(str(number), steps)))
    for _ in range(1000):
        simulation.step()
    for run in runs:
        events = said(run)
        if run.request.request_id in poison:
            assert isinstance(events[-1], GenerationFailed)
        else:
            assert events == whole(run.request)
    assert simulation.deaths <= 3 * len(poison)


@pytest.mark.slow
@given(seed=st.integers(0, 2**32), others=st.integers(0, 3))
def test_a_request_that_kills_at_random_steps_fails_alone_after_ten_deaths(seed: int, others: int) -> None:
    steps = 4
    simulation = Simulation(frozenset({"poison"}), erratic=seeded(seed))
    poison = simulation.roster.add(a_request("poison", steps))
    innocent = [simulation.roster.add(a_request(str(number), 30)) for number in range(others)]
    for _ in range(1000):
        simulation.step()
    assert isinstance(said(poison)[-1], GenerationFailed)
    # Each time it gets further, the count starts again.
    assert simulation.deaths <= (steps + 1) * DEATHS_WITHOUT_GETTING_FURTHER + 1
    assert [said(run) for run in innocent] == [whole(run.request) for run in innocent]


@pytest.mark.slow
@settings(max_examples=4)
@given(seed=st.integers(0, 2**32), requests=st.integers(1, 4))
def test_a_hundred_deaths_from_outside_fail_no_request(seed: int, requests: int) -> None:
    """Each request arrives as soon as another one has got further than before."""
    chance = seeded(seed)
    simulation = Simulation(frozenset())
    runs = [simulation.roster.add(a_request(str(number), 500)) for number in range(requests)]
    for _ in range(100):
        before = [run.passed_on for run in runs]
        while [run.passed_on for run in runs] == before or chance.random() < 0.5:
            simulation.step()
        simulation.die()
    for _ in range(3000):
        simulation.step()
    assert simulation.deaths == 100
    assert [said(run) for run in runs] == [whole(run.request) for run in runs]


def test_a_suspect_that_gets_further_than_before_is_cleared() -> None:
    roster = Roster()
    long, other = roster.add(a_request("long", 9)), roster.add(a_request("other", 9))
    for _ in range(2):
        roster.submit()
        roster.heard(Stepped("long", 0, scripted_step(long.request, 0)))
        roster.worker_died()
    assert long.suspect
    assert other.suspect
    assert roster.submit() == [long.request]
    roster.heard(Stepped("long", 0, scripted_step(long.request, 0)))
    assert roster.submit() == []
    roster.heard(Stepped("long", 1, scripted_step(long.request, 1)))
    assert not long.suspect


def test_one_death_proves_nothing() -> None:
    roster = Roster()
    run = roster.add(a_request("a"))
    roster.submit()
    roster.worker_died()
    assert said(run) == []
    assert roster.submit() == [run.request]


def test_no_request_fails_because_of_a_newcomer() -> None:
    roster = Roster()
    innocent = roster.add(a_request("innocent"))
    roster.submit()
    roster.worker_died()
    newcomer = roster.add(a_request("newcomer"))
    roster.submit()
    roster.worker_died()
    assert said(innocent) == said(newcomer) == []
    assert roster.submit() == [innocent.request], "a suspect runs alone"
    assert roster.submit() == []
    roster.heard(Ended("innocent", "length"))
    assert roster.submit() == [newcomer.request]


def test_repeated_steps_are_dropped_and_a_gap_is_noticed() -> None:
    roster = Roster()
    run = roster.add(a_request("a"))
    first, second, third = (Stepped("a", index, scripted_step(run.request, index)) for index in range(3))
    roster.submit()
    assert roster.heard(first)
    assert roster.heard(second)
    roster.worker_died()
    roster.submit()
    assert roster.heard(first)
    assert roster.heard(second)
    assert roster.heard(third)
    assert said(run) == [first, second, third]
    assert not roster.heard(Stepped("a", 4, first.step))


def test_an_aborted_request_is_not_submitted_again() -> None:
    roster = Roster()
    run = roster.add(a_request("a"))
    roster.submit()
    assert roster.abort("a"), "the worker must be notified"
    assert not roster.abort("a")
    roster.worker_died()
    assert said(run) == [Ended("a", "cancelled")]
    assert roster.submit() == []


def test_every_request_fails_with_an_error_of_its_own() -> None:
    roster = Roster()
    runs = [roster.add(a_request(name)) for name in "ab"]
    roster.fail_all(ShuttingDown)
    (first,), (second,) = (said(run) for run in runs)
    assert isinstance(first, ShuttingDown)
    assert first is not second
