"""A simulation of replicas that share out texts: when does each text get its first token and its last?

A text goes to the replica that has the fewest; where all slots are taken, texts wait in one line. All texts
of a replica grow equally fast, the slower the more there are: that is what :mod:`tests.benchmarks.growth`
measures. Between two events nothing changes, so the times are exact.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens/s of all texts of a replica ``together``, by number from 1 on, and of ``reading`` prompts."""

    together: Sequence[float]
    reading: float

    @classmethod
    def between(cls, measured: Mapping[int, float], *, reading: float, slots: int) -> Speed:
        """For up to ``slots`` texts, on straight lines between the ``measured`` numbers of texts.

        ValueError if there are more slots than were measured.
        """
        if slots > max(measured):
            raise ValueError(f"measured for {max(measured)} texts at most")
        return cls([_between(measured, texts) for texts in range(1, slots + 1)], reading)

    @property
    def slots(self) -> int:
        return len(self.together)

    def of_one(self, texts: int) -> float:
        """Tokens/s of each of ``texts``."""
        return self.together[texts - 1] / texts

    def as_tokens(self, prompt: float) -> float:
        """The tokens that one text alone would get while a replica reads a ``prompt`` of so many tokens."""
        return prompt / self.reading * self.of_one(1)


@dataclass(frozen=True, slots=True)
class Text:
    """``arrives`` is in seconds; ``prompt`` and ``tokens`` say how much is read, and then written."""

    arrives: float
    prompt: float
    tokens: float


@dataclass(frozen=True, slots=True)
class Times:
    """When a text gets its ``first`` token and its last, in seconds after it arrived."""

    first: float
    last: float


@dataclass(slots=True)
class _Replica:
    """``grown`` is what a text would have got that was there since the replica last had none."""

    number: int
    speed: Speed
    at: float = 0.0
    grown: float = 0.0
    texts: int = 0
    marks: list[tuple[float, int, bool]] = field(default_factory=list)  # first and last tokens, by ``grown``
    version: int = 0  # of what is expected next

    def advance(self, now: float) -> None:
        if self.texts:
            self.grown += (now - self.at) * self.speed.of_one(self.texts)
        self.at = now

    def begin(self, index: int, text: Text) -> None:
        """Add a text to those it has now."""
        if not self.texts:
            self.grown = 0.0
        self.texts += 1
        start = self.grown + self.speed.as_tokens(text.prompt)
        heappush(self.marks, (start + min(1.0, text.tokens), index, False))
        heappush(self.marks, (start + text.tokens, index, True))

    def reach(self, now: float) -> tuple[int, bool]:
        """Come to the next mark, which is at ``now``: the text, and whether that was its last token."""
        mark, index, is_last = heappop(self.marks)
        self.at, self.grown = now, mark
        self.texts -= is_last
        return index, is_last

    @property
    def next_at(self) -> float:
        left = max(0.0, self.marks[0][0] - self.grown)
        return self.at + left / self.speed.of_one(self.texts)


class _Simulation:
    def __init__(self, replicas: int, speed: Speed, texts: Sequence[Text]) -> None:
        self._replicas = [_Replica(number, speed) for number in range(replicas)]
        self._slots = speed.slots
        self._texts = texts
        self._line: deque[int] = deque()
        self._events: list[tuple[float, int, int]] = []  # outdated ones are skipped
        self._first = [0.0] * len(texts)
        self._last = [0.0] * len(texts)

    def run(self) -> list[Times]:
        for index, text in enumerate(self._texts):
            self._pass(text.arrives)
            replica = min(self._replicas, key=lambda one: one.texts)
            if replica.texts < self._slots:
                self._begin(replica, index, text.arrives)
            else:
                self._line.append(index)
        self._pass(math.inf)
        ends = zip(self._texts, self._first, self._last, strict=True)
        return [Times(first - text.arrives, last - text.arrives) for text, first, last in ends]

    def _begin(self, replica: _Replica, index: int, now: float) -> None:
        replica.advance(now)
        replica.begin(index, self._texts[index])
        self._expect(replica)

    def _expect(self, replica: _Replica) -> None:
        replica.version += 1
        if replica.texts:
            heappush(self._events, (replica.next_at, replica.number, replica.version))

    def _pass(self, until: float) -> None:
        """Let happen what happens up to ``until``."""
        while self._events and self._events[0][0] <= until:
            now, number, version = heappop(self._events)
            replica = self._replicas[number]
            if version != replica.version:
                continue
            index, is_last = replica.reach(now)
            (self._last if is_last else self._first)[index] = now
            if is_last and self._line:
                self._begin(replica, self._line.popleft(), now)
            else:
                self._expect(replica)


def simulate(replicas: int, speed: Speed, texts: Sequence[Text]) -> list[Times]:
    """The times of ``texts``, which are in the order in which they arrive."""
    return _Simulation(replicas, speed, texts).run()


def _between(measured: Mapping[int, float], texts: int) -> float:
    below = max(number for number in measured if number <= texts)
    above = min(number for number in measured if number >= texts)
    if below == above:
        return measured[below]
    share = (texts - below) / (above - below)
    return measured[below] + share * (measured[above] - measured[below])
