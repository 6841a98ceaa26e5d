"""Work that is done for all at once, and for each alone where that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def together_or_alone(
    work: Callable[[Sequence[Part]], Sequence[Result]],
    parts: Sequence[Part],
    *,
    before_alone: Callable[[], None],
) -> tuple[list[tuple[Part, Result]], list[tuple[Part, Exception]]]:
    """The parts with their results, and those that ``work`` fails for with their errors.

    ``work`` gives one result a part, and changes nothing where it raises.
    ``before_alone`` is called if it failed for all parts together.
    """
    if not parts:
        return [], []
    try:
        return list(zip(parts, work(parts), strict=True)), []
    except Exception:
        before_alone()
    done: list[tuple[Part, Result]] = []
    failed: list[tuple[Part, Exception]] = []
    for part in parts:
        try:
            (result,) = work([part])
        except Exception as error:
            failed.append((part, error))
        else:
            done.append((part, result))
    return done, failed
