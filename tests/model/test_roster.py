"""Whoever kills the worker fails, and nobody else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import GenerationFailed, ShuttingDown
from bot.model.protocol import Ended, GenerationRequest, SamplingParams, Stepped
from bot.model.roster import Roster, Run
from tests.fakes.scripted_worker import scripted_step


def a_request(name: str, steps: int = 3) -> GenerationRequest:
    return GenerationRequest(name, (1, 2), SamplingParams(max_new_tokens=steps))


def said(run: Run) -> list[object]:
    return [run.events.get_nowait() for _ in range(run.events.qsize())]


def whole(request: GenerationRequest) -> list[object]:
    name, count = request.request_id, request.params.max_new_tokens
    steps = [Stepped(name, index, scripted_step(request, index)) for index in range(count)]
    return [*steps, Ended(name, "length")]


class Simulation:
    """A worker that takes a step of every request in turn, and its deaths."""

    def __init__(self, poison: frozenset[str]) -> None:
        self.roster = Roster()
        self.poison = poison
        self.at: dict[str, tuple[GenerationRequest, int]] = {}
        self.deaths = 0

    def step(self) -> None:
        for request in self.roster.submit():
            self.at[request.request_id] = (request, 0)
        for name, (request, index) in list(self.at.items()):
            if name in self.poison and index == 1:
                self.at.clear()
                self.deaths += 1
                self.roster.worker_died()
                return
            if index == request.params.max_new_tokens:
                del self.at[name]
                assert self.roster.heard(Ended(name, "length"))
            else:
                self.at[name] = (request, index + 1)
                assert self.roster.heard(Stepped(name, index, scripted_step(request, index)))


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 4), st.integers(2, 6), st.booleans()), min_size=1, max_size=10)
)
def test_poison_fails_and_the_rest_finish(arrivals: list[tuple[int, int, bool]]) -> None:
    """Requests come after some steps, are so long, and are poison or not."""
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


def test_one_death_proves_nothing() -> None:
    roster = Roster()
    run = roster.add(a_request("a"))
    roster.submit()
    roster.worker_died()
    assert said(run) == []
    assert roster.submit() == [run.request]


def test_nobody_is_sentenced_for_a_newcomer() -> None:
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


def test_steps_passed_on_before_are_swallowed_and_a_gap_is_noticed() -> None:
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
    assert roster.abort("a"), "the worker has to be told"
    assert not roster.abort("a")
    roster.worker_died()
    assert said(run) == [Ended("a", "cancelled")]
    assert roster.submit() == []


def test_all_fail_with_an_error_of_their_own() -> None:
    roster = Roster()
    runs = [roster.add(a_request(name)) for name in "ab"]
    roster.fail_all(ShuttingDown)
    (first,), (second,) = (said(run) for run in runs)
    assert isinstance(first, ShuttingDown)
    assert first is not second
