"""What a replica knows of the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from ray.serve._private.common import DeploymentID
from ray.serve.exceptions import DeploymentUnavailableError

from bot.cluster import replica as replica_module
from bot.cluster.replica import Others
from bot.model.protocol import Capacity


@dataclass(eq=False)
class FakeHandle:
    """Reaches replicas with these names, on the machines before the dot; an exception is one that fails,
    None one that hangs."""

    replicas: list[str | Exception | None]
    is_available: bool = True
    asked: Counter[str] = field(default_factory=Counter)

    def broadcast(self, method: str) -> FakeHandle:
        self.asked[method] += 1
        return self

    async def results_async(self, *, timeout_s: float, return_exceptions: bool) -> list[Any]:
        await asyncio.sleep(0)
        assert return_exceptions
        if not self.is_available:
            raise DeploymentUnavailableError(DeploymentID("Model", "tokenwise"))
        if None in self.replicas:
            raise TimeoutError
        return [place(each) if isinstance(each, str) else each for each in self.replicas]


def place(name: str) -> tuple[str, str]:
    return name, name.partition(".")[0]


def others(handle: FakeHandle) -> Others:
    return Others(cast("Any", handle), texts=8, own=place("m1.a"))


async def test_all_can_do_what_each_can() -> None:
    assert await others(FakeHandle(["m1.a", "m1.b", "m2.c"])).capacity("f") == Capacity(3, 2, 24, "f")


async def test_a_replica_that_fails_does_not_count() -> None:
    assert await others(FakeHandle(["m1.a", RuntimeError()])).capacity("f") == Capacity(1, 1, 8, "f")


async def test_a_replica_knows_itself_before_it_is_reached() -> None:
    assert await others(FakeHandle([])).capacity("f") == Capacity(1, 1, 8, "f")
    assert await others(FakeHandle(["m2.c"])).capacity("f") == Capacity(2, 2, 16, "f")


async def test_the_first_of_all_knows_itself() -> None:
    handle = FakeHandle([], is_available=False)
    assert await others(handle).capacity("f") == Capacity(1, 1, 8, "f")
    await others(handle).forget()
    assert handle.asked == Counter(place=1, forget=1)


async def test_while_one_hangs_what_was_known_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_module, "NEWS", 0.0)
    handle = FakeHandle(["m1.a", "m2.c"])
    known = others(handle)
    assert (await known.capacity("f")).replicas == 2
    handle.replicas = ["m1.a", None]
    assert (await known.capacity("f")).replicas == 2


async def test_many_who_ask_at_once_cost_one_question() -> None:
    handle = FakeHandle(["m1.a"])
    known = others(handle)
    await asyncio.gather(*(known.capacity("f") for _ in range(20)))
    assert handle.asked["place"] == 1


async def test_all_are_told_to_forget() -> None:
    handle = FakeHandle(["m1.a", "m2.c"])
    await others(handle).forget()
    assert handle.asked["forget"] == 1
