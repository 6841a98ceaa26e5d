"""A person has as many requests in progress as the limit says, in all processes together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from bot.errors import TooManyRequests, UnavailableError
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.across import LimitedAcross
from bot.queue.limits import Asker
from tests.fakes.model import FakeModel
from tests.support.queues import queue_before

ADA, GRACE = Asker(1, 100), Asker(2, 100)


class Shared:
    """What all processes have claimed. Each answer takes a turn of the loop, as a database's does."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.asked = 0

    async def take(self, key: str, *, lasting: bool) -> bool:
        assert lasting
        self.asked += 1
        await asyncio.sleep(0)
        is_free = key not in self.taken
        self.taken.add(key)
        return is_free

    async def release(self, key: str) -> None:
        await asyncio.sleep(0)
        self.taken.discard(key)


class Process:
    """One process's queue, and what it has in progress."""

    def __init__(self, generations: LimitedAcross, refused: list[UnavailableError]) -> None:
        self.generations = generations
        self.refused = refused
        self._number = 0

    @asynccontextmanager
    async def asked(self, asker: Asker, group: str | None = None) -> AsyncIterator[None]:
        self._number += 1
        request = GenerationRequest(f"{id(self)} {self._number}", (1,), SamplingParams(max_new_tokens=1))
        async with self.generations.stream(request, asker=asker, group=group):
            yield


@asynccontextmanager
async def processes(claims: Shared, per_person: int) -> AsyncIterator[tuple[Process, Process]]:
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            queue = await stack.enter_async_context(
                queue_before(FakeModel(stepwise=True), per_person=per_person)
            )
            refused: list[UnavailableError] = []
            limited = LimitedAcross(queue, claims, per_person=per_person, refused=refused.append)
            made.append(Process(limited, refused))
        yield made[0], made[1]


async def test_requests_in_other_processes_count_until_they_end() -> None:
    claims = Shared()
    async with processes(claims, per_person=2) as (one, other):
        async with one.asked(ADA), other.asked(ADA):
            for process in (one, other):
                with pytest.raises(TooManyRequests) as refusal:
                    async with process.asked(ADA):
                        pass
                assert process.refused == [refusal.value]
            async with one.asked(GRACE):
                pass
        async with one.asked(ADA), one.asked(ADA):
            pass

    assert claims.taken == set()


async def test_a_group_takes_one_place_until_the_last_of_it_ends() -> None:
    claims = Shared()
    async with processes(claims, per_person=1) as (one, other):
        async with AsyncExitStack() as rest:
            async with AsyncExitStack() as first:
                await asyncio.gather(
                    first.enter_async_context(one.asked(ADA, "six")),
                    *(rest.enter_async_context(one.asked(ADA, "six")) for _ in range(5)),
                )
                assert len(claims.taken) == 1
            with pytest.raises(TooManyRequests):
                async with other.asked(ADA):
                    pass
        async with other.asked(ADA):
            pass


async def test_what_is_too_much_for_one_process_is_refused_by_its_queue() -> None:
    claims = Shared()
    async with processes(claims, per_person=1) as (one, _), one.asked(ADA):
        asked = claims.asked
        with pytest.raises(TooManyRequests):
            async with one.asked(ADA):
                pass

    assert (claims.asked, one.refused) == (asked, [])


async def test_what_is_promised_is_not_refused() -> None:
    claims = Shared()
    async with processes(claims, per_person=1) as (one, other), one.asked(ADA):
        async with other.asked(Asker(ADA.person, ADA.server, promised=True)):
            pass
        assert len(claims.taken) == 1

    assert claims.taken == set()
