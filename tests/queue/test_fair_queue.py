"""Owners of waiting requests take turns."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.queue.fair_queue import REMEMBERED, FairQueue

OWNERS = st.integers(0, 3)
PUSH, POP, REMOVE = "push", "pop", "remove"


@given(st.lists(OWNERS))
def test_iterating_gives_the_order_of_service(owners: list[int]) -> None:
    line: FairQueue[int, int] = FairQueue()
    for item, owner in enumerate(owners):
        line.push(owner, item)
    foretold = list(line)
    assert [line.pop() for _ in range(len(line))] == foretold
    assert sorted(foretold) == list(range(len(owners)))
    with pytest.raises(KeyError):
        line.pop()


@given(st.lists(st.tuples(st.sampled_from([PUSH, PUSH, POP, REMOVE]), OWNERS)))
def test_no_owner_is_served_twice_while_another_waits(moves: list[tuple[str, int]]) -> None:
    line: FairQueue[int, int] = FairQueue()
    waiting: list[tuple[int, int]] = []  # (owner, item), oldest first
    passed: dict[int, list[int]] = {}  # those served since this owner arrived or was served
    items = count()
    for move, owner in moves:
        if move == PUSH:
            item = next(items)
            line.push(owner, item)
            if owner not in dict(waiting):
                passed[owner] = []
            waiting.append((owner, item))
        elif move == POP and waiting:
            item = line.pop()
            served = next(other for other, theirs in waiting if theirs == item)
            assert item == next(theirs for other, theirs in waiting if other == served), "own order"
            waiting.remove((served, item))
            for other in {other for other, _ in waiting} - {served}:
                passed[other].append(served)
                assert len(passed[other]) == len(set(passed[other]))
            passed[served] = []
        elif move == REMOVE and owner in dict(waiting):
            item = [theirs for other, theirs in waiting if other == owner][-1]
            line.remove(owner, item)
            waiting.remove((owner, item))
        assert len(line) == len(waiting)
        assert sorted(line) == sorted(item for _, item in waiting)


def test_one_request_does_not_wait_for_ten_of_another_owner() -> None:
    line: FairQueue[str, str] = FairQueue()
    for number in range(10):
        line.push("many", f"many {number}")
    line.push("one", "one 0")
    assert list(line)[:3] == ["many 0", "one 0", "many 1"]


def test_a_new_owner_goes_before_one_who_had_a_turn() -> None:
    line: FairQueue[str, str] = FairQueue()
    for number in range(10):
        line.push("many", f"many {number}")
    assert line.pop() == "many 0"
    line.push("one", "one 0")
    assert list(line)[:2] == ["one 0", "many 1"]


def test_repeated_requests_do_not_overtake_others() -> None:
    line: FairQueue[str, str] = FairQueue()
    line.push("patient", "patient 0")
    line.push("patient", "patient 1")
    assert line.pop() == "patient 0"
    line.push("eager", "eager 0")
    assert line.pop() == "eager 0"
    line.push("eager", "eager 1")
    assert line.pop() == "patient 1"


def test_old_turns_are_forgotten() -> None:
    line: FairQueue[int, int] = FairQueue()
    for owner in range(3 * REMEMBERED):
        line.push(owner, owner)
        assert line.pop() == owner
    assert len(line._turns) == REMEMBERED


def test_removing_an_unknown_item_is_an_error() -> None:
    line: FairQueue[str, str] = FairQueue()
    line.push("owner", "item")
    with pytest.raises(KeyError):
        line.remove("owner", "another")
    with pytest.raises(KeyError):
        line.remove("another", "item")
