"""What a replica knows of the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.cluster import replica as replica_module
from bot.cluster.replica import Others
from bot.model.protocol import Capacity


@dataclass(eq=False)
class FakeHandle:
    """Reaches replicas on these machines; an exception is one that fails, None one that hangs."""

    machines: list[str | Exception | None]
    asked: Counter[str] = field(default_factory=Counter)

    def broadcast(self, method: str) -> FakeHandle:
        self.asked[method] += 1
        return self

    async def results_async(self, *, timeout_s: float, return_exceptions: bool) -> list[Any]:
        await asyncio.sleep(0)
        assert return_exceptions
        if None in self.machines:
            raise TimeoutError
        return list(self.machines)


def others(handle: FakeHandle) -> Others:
    return Others(cast("Any", handle), texts=8)


async def test_all_can_do_what_each_can() -> None:
    assert await others(FakeHandle(["m1", "m1", "m2"])).capacity("f") == Capacity(3, 2, 24, "f")


async def test_a_replica_that_fails_does_not_count() -> None:
    assert await others(FakeHandle(["m1", RuntimeError()])).capacity("f") == Capacity(1, 1, 8, "f")


async def test_a_replica_always_knows_itself() -> None:
    assert await others(FakeHandle([])).capacity("f") == Capacity(1, 1, 8, "f")


async def test_while_one_hangs_what_was_known_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_module, "NEWS", 0.0)
    handle = FakeHandle(["m1", "m2"])
    known = others(handle)
    assert (await known.capacity("f")).replicas == 2
    handle.machines = ["m1", None]
    assert (await known.capacity("f")).replicas == 2


async def test_many_who_ask_at_once_cost_one_question() -> None:
    handle = FakeHandle(["m1"])
    known = others(handle)
    await asyncio.gather(*(known.capacity("f") for _ in range(20)))
    assert handle.asked["machine"] == 1


async def test_all_are_told_to_forget() -> None:
    handle = FakeHandle(["m1", "m2"])
    await others(handle).forget()
    assert handle.asked["forget"] == 1
