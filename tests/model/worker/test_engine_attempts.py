"""Work that fails together is tried alone, so that only the culprit fails."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.worker.engine import together_or_alone


class Work:
    """Doubles numbers, except ``hated`` ones, and none while memory is short."""

    def __init__(self, *hated: int, lacks: bool = False) -> None:
        self.hated = hated
        self.lacks = lacks
        self.done: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.done.append(list(numbers))
        if self.lacks or set(self.hated) & set(numbers):
            raise RuntimeError(str(numbers))
        return [2 * number for number in numbers]

    def free(self) -> None:
        self.lacks = False


def attempt(work: Work, *numbers: int) -> tuple[list[tuple[int, int]], list[int]]:
    """The results, and the numbers that failed."""
    done, failed = together_or_alone(work, numbers, before_alone=work.free)
    return done, [number for number, _ in failed]


def test_work_that_succeeds_together_is_done_once() -> None:
    work = Work()
    assert attempt(work, 1, 2, 3) == ([(1, 2), (2, 4), (3, 6)], [])
    assert work.done == [[1, 2, 3]]


def test_only_the_culprit_fails() -> None:
    work = Work(2)
    assert attempt(work, 1, 2, 3) == ([(1, 2), (3, 6)], [2])
    assert work.done == [[1, 2, 3], [1], [2], [3]]


def test_a_single_part_gets_a_second_try_with_more_memory() -> None:
    assert attempt(Work(lacks=True), 1) == ([(1, 2)], [])
    assert attempt(Work(1), 1) == ([], [1])


def test_without_parts_nothing_is_done() -> None:
    work = Work()
    assert attempt(work) == ([], [])
    assert work.done == []
