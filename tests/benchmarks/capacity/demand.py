"""What people ask for: how many texts an hour of the day has, when they arrive, how long they are.

Nobody has measured a community of this bot; these are assumptions, and the command line changes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from tests.benchmarks.capacity.replicas import Text

HOURS = range(24)
BUSIEST = 20  # o'clock


@dataclass(frozen=True, slots=True)
class Demand:
    """What a server's people ask for in a day.

    ``texts`` are ``/complete`` and its like. The busiest hour has 1 + ``swing`` times as many as an hour has
    on average, the quietest 1 − ``swing``: a wave in between. Prompts have ``prompt`` tokens. Texts have at
    most ``tokens``, and each token is the last with a chance of ``ends``.
    """

    texts: float = 20.0
    swing: float = 0.8
    prompt: int = 20
    tokens: int = 64  # /complete's default
    ends: float = 1 / 200

    @property
    def mean_tokens(self) -> float:
        """Of a text."""
        return (1 - (1 - self.ends) ** self.tokens) / self.ends if self.ends else self.tokens

    def per_second(self, servers: int, hour: int) -> float:
        """Texts a second of all ``servers``."""
        wave = 1 + self.swing * math.cos(2 * math.pi * (hour - BUSIEST) / len(HOURS))
        return servers * self.texts * wave / 86_400

    def arriving(self, per_second: float, count: int, random: Random) -> list[Text]:
        """``count`` texts, each independent of the others: a Poisson process."""
        now, texts = 0.0, []
        for _ in range(count):
            now += random.expovariate(per_second)
            texts.append(Text(now, self.prompt, self._length(random)))
        return texts

    def _length(self, random: Random) -> int:
        if not self.ends:
            return self.tokens
        return min(self.tokens, 1 + int(math.log(1 - random.random()) / math.log(1 - self.ends)))
