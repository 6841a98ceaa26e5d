"""A simulation of replicas that share out texts: when does each text get its first token?

Texts arrive at random (a Poisson process) and are written by the replica with the fewest texts;
where all slots are taken they wait in one line. All texts of a replica grow equally fast, the
slower the more there are: that is what :mod:`tests.benchmarks.growth` measures.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

#: Tokens that people ask for: 64 is the default, and some texts end before.
MOST_TOKENS = 64
ENDS_EARLY = 1 / 200  # the chance that a token ends its text


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens/s of all texts of a replica together, by their number from 1 on, and of ``reading`` a prompt."""

    together: Sequence[float]
    reading: float

    def of_one(self, texts: int) -> float:
        """Tokens/s of each of ``texts``."""
        return self.together[texts - 1] / texts

    @property
    def slots(self) -> int:
        return len(self.together)


@dataclass(slots=True)
class _Replica:
    """Some texts, each with the tokens that it has yet to get as of ``at``."""

    speed: Speed
    at: float = 0.0
    left: list[float] = field(default_factory=list)
    version: int = 0  # of what was foretold for it

    def advance(self, now: float) -> None:
        if self.left:
            grown = (now - self.at) * self.speed.of_one(len(self.left))
            self.left = [tokens - grown for tokens in self.left]
        self.at = now

    def next_end(self) -> float:
        return self.at + max(0.0, min(self.left)) / self.speed.of_one(len(self.left))


def first_tokens(
    replicas: int, speed: Speed, *, per_second: float, prompt: int, seconds: float, random: Random
) -> list[float]:
    """The seconds that each text of a stretch of time waits for its first token."""
    crowd = [_Replica(speed) for _ in range(replicas)]
    free = [(0, number) for number in range(replicas)]  # by their texts; outdated entries are skipped
    line: deque[float] = deque()
    ends: list[tuple[float, int, int]] = []
    waited: list[float] = []

    def begin(number: int, arrived: float, now: float) -> None:
        replica = crowd[number]
        replica.advance(now)
        # Reading the prompt is work of the same replica, as so many tokens of this text.
        reading = prompt / speed.reading
        tokens = length(random)
        pace = speed.of_one(len(replica.left) + 1)
        replica.left.append(tokens + reading * pace)
        waited.append(now - arrived + reading + 1 / pace)
        foretell(number)

    def foretell(number: int) -> None:
        replica = crowd[number]
        replica.version += 1
        if replica.left:
            heapq.heappush(ends, (replica.next_end(), number, replica.version))
        if len(replica.left) < speed.slots:
            heapq.heappush(free, (len(replica.left), number))

    def least_busy() -> int | None:
        while free:
            texts, number = free[0]
            if texts == len(crowd[number].left):
                return number
            heapq.heappop(free)
        return None

    def end_before(now: float) -> None:
        while ends and ends[0][0] <= now:
            at, number, version = heapq.heappop(ends)
            replica = crowd[number]
            if version != replica.version:
                continue
            replica.advance(at)
            replica.left = [tokens for tokens in replica.left if tokens > 1e-9]
            foretell(number)
            if line and (number_free := least_busy()) is not None:
                begin(number_free, line.popleft(), at)

    now = 0.0
    while (now := now + random.expovariate(per_second)) < seconds:
        end_before(now)
        number = least_busy()
        if number is None:
            line.append(now)
        else:
            begin(number, now, now)
    end_before(math.inf)
    return waited


def length(random: Random) -> int:
    """How many tokens a text gets."""
    return min(MOST_TOKENS, 1 + int(math.log(1 - random.random()) / math.log(1 - ENDS_EARLY)))


def least(
    speed: Speed, *, per_second: float, prompt: int, within: float, share: float, seconds: float, seed: int
) -> int:
    """The fewest replicas with which ``share`` of the texts begin ``within`` so many seconds."""

    def suffices(replicas: int) -> bool:
        waited = first_tokens(
            replicas,
            speed,
            per_second=per_second,
            prompt=prompt,
            seconds=seconds,
            random=Random(seed),
        )
        return not waited or sorted(waited)[min(len(waited) - 1, int(share * len(waited)))] <= within

    most = 1
    while not suffices(most):
        most *= 2
    fewest = most // 2 + 1
    while fewest < most:
        middle = (fewest + most) // 2
        if suffices(middle):
            most = middle
        else:
            fewest = middle + 1
    return most
