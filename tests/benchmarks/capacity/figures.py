"""What one of each part does, as it was measured, and what Discord asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tests.benchmarks.capacity.replicas import Speed


@dataclass(frozen=True, slots=True)
class Measured:
    """Tokens/s of all texts together by their number, and of reading a prompt."""

    together: Mapping[int, float]
    reading: float

    @property
    def most(self) -> int:
        """The most texts at once for which there is a figure."""
        return max(self.together)

    def speed(self, slots: int) -> Speed:
        return Speed.between(self.together, reading=self.reading, slots=slots)


#: GPT-2 Large on two cores of an AMD EPYC (Zen 4): docs/performance.md, which a test compares with these.
PRECISIONS: Mapping[str, Measured] = MappingProxyType(
    {
        "int8": Measured(
            {1: 34.1, 2: 62.5, 4: 110.0, 8: 183.0, 16: 249.0, 32: 306.0, 64: 313.0}, reading=512 / 1.12
        ),
        "float32": Measured(
            {1: 10.0, 2: 19.1, 4: 35.6, 8: 67.5, 16: 88.1, 32: 92.2, 64: 98.1}, reading=512 / 3.62
        ),
    }
)

#: Texts that one process of the bot keeps growing on one core, with an edit a second. Half of what was
#: measured for texts of 256 tokens (python -m tests.promises.ceiling): short ones begin and end more often.
TEXTS_OF_A_PROCESS = 128

#: Rows that a text adds, each of which retention deletes later: its run, what finds it in its channel, and
#: the claim of its interaction. The claim is a transaction of its own.
ROWS_OF_A_TEXT = 3
TRANSACTIONS_OF_A_TEXT = 2
#: Runs a second that one process stores one after the other, in a PostgreSQL with a million runs, in 4.6 ms
#: each (the median): python -m tests.benchmarks.database
STORED_PER_SECOND = 220.0

#: Discord: a shard may have so many servers, and it recommends one for each thousand.
SERVERS_OF_A_SHARD = 2_500
RECOMMENDED = 1_000
