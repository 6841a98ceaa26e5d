"""From a number of servers to what they take: replicas by the hour, processes, shards, writes, money."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from statistics import fmean

from tests.benchmarks.capacity import figures
from tests.benchmarks.capacity.demand import HOURS, Demand
from tests.benchmarks.capacity.replicas import Speed, simulate

SEED = 0
DAYS = 30  # of a month


@dataclass(frozen=True, slots=True)
class Aim:
    """``share`` of the texts get their first token ``within`` so many seconds; ``texts`` are simulated."""

    within: float = 5.0
    share: float = 0.99
    texts: int = 20_000


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds within which the aim's share of the texts begins, and how many are there on average."""

    first: float
    together: float


@dataclass(frozen=True)
class Replicas:
    """How many replicas, each of ``speed``, do what is asked. ``demand`` is of one server."""

    speed: Speed
    demand: Demand
    aim: Aim

    def waits(self, replicas: int, per_second: float) -> Waits:
        texts = self.demand.arriving(per_second, self.aim.texts, Random(SEED))
        times = simulate(replicas, self.speed, texts)
        firsts = sorted(each.first for each in times)
        place = min(len(firsts) - 1, math.ceil(self.aim.share * len(firsts)) - 1)
        return Waits(firsts[place], per_second * fmean(each.last for each in times))

    def suffice(self, replicas: int, per_second: float) -> bool:
        return self.waits(replicas, per_second).first <= self.aim.within

    def fewest(self, per_second: float) -> int:
        """The fewest that reach the aim with so many texts a second."""
        # With fewer, the line would grow for ever.
        written = per_second * self.demand.mean_tokens / max(self.speed.together)
        return _first(lambda replicas: self.suffice(replicas, per_second), max(1, math.floor(written)))

    def most(self) -> float:
        """Texts a second with which one replica still reaches the aim, to one in a hundred."""
        low, high = 0.0, 2 * max(self.speed.together) / self.demand.mean_tokens
        while high - low > 0.01 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.suffice(1, middle) else (low, middle)
        return low


@dataclass(frozen=True)
class Plan:
    """What so many ``servers`` take. ``replicas`` are by the hour; ``price`` is of a machine for an hour.

    ``peak`` says how long texts wait, and how many there are, in the busiest hour.
    """

    servers: int
    per_second: float
    replicas: tuple[int, ...]
    peak: Waits
    price: float

    @property
    def shards(self) -> int:
        return math.ceil(self.servers / figures.RECOMMENDED)

    @property
    def processes(self) -> int:
        """Of the bot, one core each."""
        return math.ceil(self.peak.together / figures.TEXTS_OF_A_PROCESS)

    @property
    def rows(self) -> float:
        """Written a second in the busiest hour."""
        return self.per_second * figures.ROWS_OF_A_TEXT

    @property
    def transactions(self) -> float:
        """A second in the busiest hour."""
        return self.per_second * figures.TRANSACTIONS_OF_A_TEXT

    @property
    def others(self) -> int:
        """Machines of two cores besides the replicas: for the bot, and for the database if that needs one."""
        return math.ceil(self.processes / 2) + (self.processes > 1) if self.beyond_one else 0

    @property
    def beyond_one(self) -> bool:
        """Whether it takes more than one machine, which else has all."""
        return max(self.replicas) > 1 or self.processes > 1

    @cached_property
    def fixed(self) -> float:
        """A month's price with the busiest hour's replicas all day."""
        return DAYS * self.price * len(HOURS) * (max(self.replicas) + self.others)

    @cached_property
    def following(self) -> float:
        """A month's price with as many replicas as each hour takes."""
        return DAYS * self.price * (sum(self.replicas) + len(HOURS) * self.others)


def plan(servers: int, replicas: Replicas, *, price: float) -> Plan:
    demand = replicas.demand
    rates = [demand.per_second(servers, hour) for hour in HOURS]
    # The day is the same before and after its busiest hour.
    fewest = {rate: replicas.fewest(rate) for rate in {round(rate, 9) for rate in rates}}
    by_hour = tuple(fewest[round(rate, 9)] for rate in rates)
    busiest = max(rates)
    return Plan(servers, busiest, by_hour, replicas.waits(max(by_hour), busiest), price)


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One of something carries so many ``servers``."""

    servers: float
    name: str


def parts(replicas: Replicas) -> list[Part]:
    """What one of each part carries in the busiest hour; what gives way first comes first."""
    each = max(replicas.demand.per_second(1, hour) for hour in HOURS)
    one = replicas.most()
    alone = replicas.waits(1, one)
    # As long as a text is there, it is one of those that a process of the bot shows.
    stays = alone.together / one
    return sorted(
        [
            Part(one / each, "a replica"),
            Part(figures.SERVERS_OF_A_SHARD, "a connection to Discord"),
            Part(figures.TEXTS_OF_A_PROCESS / stays / each, "a process of the bot"),
            Part(figures.STORED_PER_SECOND / each, "the database"),
        ]
    )


def _first(suffices: Callable[[int], bool], least: int) -> int:
    """The smallest number from ``least`` on that suffices, which is near; more always do, too."""
    most, step = least, 1
    while not suffices(most):
        least, most, step = most + 1, most + step, 2 * step
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if suffices(middle) else (middle + 1, most)
    return most
