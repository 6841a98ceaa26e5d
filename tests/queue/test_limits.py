"""Limits on requests: how many at once, how soon again, and how long they are remembered."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.errors import ServerBusy, TooManyRequests, TooSoon
from bot.queue.limits import Admission, Asker, Usage
from tests.support.clocks import Clock
from tests.support.queues import some_limits

HERE, THERE = 100, 200
ADA, BOB = Asker(1, HERE), Asker(2, HERE)
ADA_ELSEWHERE, ADA_ALONE = Asker(1, THERE), Asker(1, None)


class Door:
    """An Admission and its clock; ``ends`` has the estimated ends of requests in progress."""

    def __init__(
        self,
        *,
        per_person: int = 9,
        per_server: int | None = 9,
        person_cooldown: float = 0.0,
        server_cooldown: float = 0.0,
    ) -> None:
        self.clock = Clock(1_000.0)
        self.ends: Mapping[str, float] = {}
        limits = some_limits(
            per_person=per_person,
            per_server=per_server,
            person_cooldown=person_cooldown,
            server_cooldown=server_cooldown,
        )
        self.admission = Admission(limits, clock=self.clock)

    def begin(self, asker: Asker, group: str) -> None:
        self.check(asker, group)
        self.admission.begin(asker, group)

    def check(self, asker: Asker, group: str) -> None:
        self.admission.check(asker, group, lambda: self.ends)

    def end(self, asker: Asker, group: str) -> None:
        self.admission.end(asker, group)


def test_a_person_has_one_limit_across_servers() -> None:
    door = Door(per_person=2)
    door.begin(ADA, "a")
    door.begin(ADA_ELSEWHERE, "b")
    with pytest.raises(TooManyRequests) as refused:
        door.check(ADA_ALONE, "c")
    assert refused.value.limit == 2
    door.begin(BOB, "d")
    door.end(ADA, "a")
    door.begin(ADA_ALONE, "c")


def test_the_people_on_a_server_share_its_limit() -> None:
    door = Door(per_server=2)
    door.begin(ADA, "a")
    door.begin(BOB, "b")
    with pytest.raises(ServerBusy) as refused:
        door.check(Asker(3, HERE), "c")
    assert refused.value.limit == 2
    door.begin(Asker(3, THERE), "c")
    door.end(BOB, "b")
    door.begin(Asker(3, HERE), "d")


def test_direct_messages_have_no_limit_of_a_server() -> None:
    door = Door(per_server=1, server_cooldown=60.0)
    for person in range(5):
        door.begin(Asker(person, None), str(person))


def test_without_a_limit_a_server_is_never_busy() -> None:
    door = Door(per_server=None)
    for person in range(50):
        door.begin(Asker(person, HERE), str(person))


def test_a_group_counts_once_until_its_last_request_ends() -> None:
    door = Door(per_person=1, per_server=1)
    for _ in range(3):
        door.begin(ADA, "g")
    for _ in range(2):
        door.end(ADA, "g")
    with pytest.raises(TooManyRequests):
        door.check(ADA, "another")
    with pytest.raises(ServerBusy):
        door.check(BOB, "another")
    door.end(ADA, "g")
    door.begin(BOB, "another")


def test_a_refusal_at_the_limit_says_when_the_first_request_ends() -> None:
    door = Door(per_person=2, per_server=3)
    door.begin(ADA, "a")
    door.begin(ADA, "b")
    with pytest.raises(TooManyRequests) as before:
        door.check(ADA, "c")
    assert before.value.retry_after is None

    door.begin(BOB, "c")
    door.ends = {"a": 9.0, "b": 7.0, "c": 3.0, "another's": 1.0}
    with pytest.raises(TooManyRequests) as own:
        door.check(ADA, "d")
    with pytest.raises(ServerBusy) as of_server:
        door.check(BOB, "d")
    assert (own.value.retry_after, of_server.value.retry_after) == (7.0, 3.0)


def test_a_person_waits_between_two_starts() -> None:
    door = Door(person_cooldown=30.0)
    door.begin(ADA, "a")
    door.end(ADA, "a")
    door.clock.now += 12
    with pytest.raises(TooSoon) as refused:
        door.check(ADA_ALONE, "b")
    assert (refused.value.retry_after, refused.value.of_server) == (18.0, False)
    door.begin(BOB, "c")
    door.clock.now += 18
    door.begin(ADA_ALONE, "b")


def test_a_server_s_cooldown_starts_with_anyone_s_request() -> None:
    door = Door(server_cooldown=10.0)
    door.begin(ADA, "a")
    door.clock.now += 4
    with pytest.raises(TooSoon) as refused:
        door.check(BOB, "b")
    assert (refused.value.retry_after, refused.value.of_server) == (6.0, True)
    door.begin(ADA_ELSEWHERE, "c")
    door.begin(ADA_ALONE, "d")


def test_a_group_starts_one_cooldown() -> None:
    door = Door(person_cooldown=30.0, server_cooldown=30.0)
    door.begin(ADA, "g")
    door.clock.now += 1
    door.begin(ADA, "g")
    door.clock.now += 29
    door.begin(ADA, "another")


def test_a_refused_request_starts_no_cooldown() -> None:
    door = Door(per_person=1, person_cooldown=30.0)
    door.begin(ADA, "a")
    door.clock.now += 30
    with pytest.raises(TooManyRequests):
        door.check(ADA, "b")
    door.end(ADA, "a")
    door.begin(ADA, "b")


def test_a_group_without_room_for_all_starts_no_cooldown() -> None:
    door = Door(person_cooldown=30.0, server_cooldown=30.0)
    door.begin(ADA, "g")
    door.admission.forgive(ADA, "g")
    door.end(ADA, "g")
    door.begin(ADA, "again")
    door.admission.forgive(ADA, "g")
    with pytest.raises(TooSoon):
        door.check(ADA, "more")


@pytest.mark.parametrize("cooldown", [0.0, 30.0])
def test_people_are_forgotten_after_their_cooldown(cooldown: float) -> None:
    account = Usage(2, cooldown)
    for person in range(10_000):
        now = float(person)
        assert account.wait(person, "g", now) <= 0
        account.begin(person, f"g{person}", now)
        account.end(person, f"g{person}")
        assert len(account) <= cooldown + 1
