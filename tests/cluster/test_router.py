"""Which replica gets a text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot.cluster.router import PrefixRouter


def replicas(names: str) -> list[Any]:
    return [SimpleNamespace(replica_id=SimpleNamespace(unique_id=name)) for name in names]


def asked_for(name: str) -> Any:
    return SimpleNamespace(
        metadata=SimpleNamespace(session_id=name), routing_context=SimpleNamespace(should_backoff=False)
    )


async def ranks(names: str, pending: Any) -> list[str]:
    """The names of the replicas to try, rank by rank."""
    router = PrefixRouter.__new__(PrefixRouter)  # no more of it is used than what is passed
    chosen = await router.choose_replicas(replicas(names), pending)
    return ["".join(replica.replica_id.unique_id for replica in rank) for rank in chosen]


async def test_the_replica_that_the_client_names_comes_first() -> None:
    first, others = await ranks("abcd", asked_for("c"))
    assert first == "c"
    assert len(others) == 2


@pytest.mark.parametrize("pending", [None, asked_for(""), asked_for("gone")])
async def test_otherwise_two_are_compared(pending: Any) -> None:
    (two,) = await ranks("abcd", pending)
    assert len(set(two)) == 2


async def test_those_to_avoid_come_last() -> None:
    first, others, last = await ranks("abcd", asked_for("c,-a,-b"))
    assert (first, set(others), last) == ("c", set("cd"), "ab")
    assert await ranks("ab", asked_for("-a,-b")) == ["ab"]


async def test_every_replica_has_its_turn() -> None:
    seen = {name for _ in range(200) for rank in await ranks("abcd", asked_for("")) for name in rank}
    assert seen == set("abcd")


async def test_one_alone_is_the_one() -> None:
    assert await ranks("a", asked_for("")) == ["a"]
    assert await ranks("", asked_for("a")) == []


async def test_a_request_that_finds_no_room_waits_before_it_tries_again() -> None:
    pending = asked_for("a")
    await ranks("ab", pending)
    assert pending.routing_context.should_backoff
