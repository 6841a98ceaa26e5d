"""How long a person with one request waits for a person with many.

    python -m tests.promises.fairness [--patterns 300] [--seed 0]

Each pattern is drawn from the seed: the number of slots, the arrival of one person's
twenty requests and of another's single one, the requests of others, and the length of
each. It is played through the real queue, with time in steps of the model, once with the
twenty and once without them. The delay is how much later the single request finishes
with them.

Then the real bot, ``python -m bot`` on a Discord on loopback, splits 100 texts of 6,000
characters for one person and the word "hello" for another. The program prints how many of
the 100 replies came before the one to "hello".

The bars: a delay of one request's time at most, the longest of the pattern; and three
pictures at most, as some may already be on their way.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from tests.fakes.discord import FakeDiscord
from tests.fakes.model import FakeModel, settled
from tests.promises.crowd import LONG_TEXT
from tests.promises.event_loop import LIMITS
from tests.promises.figures import parser, verdict

MANY, ONE = 1, 2
TWENTY = 20
PICTURES = 100
BETWEEN_BAR = 3


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that arrives at step ``at`` and takes ``steps`` steps, including its end."""

    at: int
    person: int
    steps: int


@dataclass(frozen=True, slots=True)
class Pattern:
    slots: int
    arrivals: tuple[Arrival, ...]

    @property
    def longest(self) -> int:
        return max(arrival.steps for arrival in self.arrivals)

    def without(self, person: int) -> Pattern:
        return Pattern(self.slots, tuple(one for one in self.arrivals if one.person != person))


@dataclass(frozen=True, slots=True)
class Fairness:
    """``delays`` are in units of the longest request's time; one a pattern, as are ``slots``."""

    delays: tuple[float, ...]
    slots: tuple[int, ...]


def random_pattern(rng: random.Random) -> Pattern:
    at_once, longest = rng.random() < 0.5, rng.randint(2, 20)

    def arrival(person: int, latest: int) -> Arrival:
        return Arrival(rng.randint(0, latest), person, rng.choice((longest, rng.randint(2, longest))))

    arrivals = [arrival(MANY, 0 if at_once else 2 * longest) for _ in range(TWENTY)]
    for person in range(3, 3 + rng.randint(0, 4)):
        arrivals += [arrival(person, 4 * longest) for _ in range(rng.randint(1, 4))]
    arrivals.append(arrival(ONE, 4 * longest))
    return Pattern(rng.choice((1, 1, 2, 4, 8)), tuple(sorted(arrivals, key=lambda one: one.at)))


async def finished_at(pattern: Pattern, person: int) -> int:
    """The step at which the only request of ``person`` has ended."""
    model = FakeModel(stepwise=True)
    async with GenerationQueue(
        model, Limits(max_running=pattern.slots, max_waiting=100, per_person=TWENTY, deadline=3600.0)
    ) as queue:
        waiting = list(enumerate(pattern.arrivals))
        tasks: dict[int, asyncio.Task[None]] = {}
        (watched,) = (number for number, arrival in waiting if arrival.person == person)
        step = 0
        while watched not in tasks or not tasks[watched].done():
            while waiting and waiting[0][1].at <= step:
                number, arrival = waiting.pop(0)
                tasks[number] = asyncio.create_task(_ask(queue, number, arrival))
                await settled()
            await asyncio.gather(*(model.step(name) for name in list(model.running)))
            step += 1
        for task in tasks.values():
            task.cancel()
        await asyncio.wait(tasks.values())
    return step


async def _ask(queue: GenerationQueue, number: int, arrival: Arrival) -> None:
    params = SamplingParams(max_new_tokens=arrival.steps - 1)
    request = GenerationRequest(str(number), (1,), params)
    async with queue.stream(request, asker=Asker(arrival.person, None)) as updates:
        async for _ in updates:
            pass


async def measure(patterns: int, seed: int) -> Fairness:
    rng = random.Random(seed)
    delays, slots = [], []
    for _ in range(patterns):
        pattern = random_pattern(rng)
        late = await finished_at(pattern, ONE) - await finished_at(pattern.without(MANY), ONE)
        delays.append(late / pattern.longest)
        slots.append(pattern.slots)
    return Fairness(tuple(delays), tuple(slots))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Of the ``requested`` pictures, ``between`` came before another person's, and ``left`` after it."""

    requested: int
    between: int
    left: int
    seconds: float

    @property
    def kept(self) -> bool:
        return self.between <= BETWEEN_BAR < self.left


async def draw(pictures: int) -> Drawn:
    """Request a picture while ``pictures`` of another person's are waiting."""
    async with FakeDiscord.opened() as discord, discord.bot(LIMITS):
        await discord.joined()
        many, one, channel = discord.person("many"), discord.person("one"), discord.channel()
        large = [discord.slash(many, channel, "tokens", text=LONG_TEXT) for _ in range(pictures)]
        for each in large:
            await each.acknowledged()
        before = sum(each.is_settled for each in large)
        hello = discord.slash(one, channel, "tokens", text="hello")
        await hello.settled()
        seconds = time.monotonic() - hello.sent_at
        shown = sum(each.is_settled for each in large)
    return Drawn(pictures, shown - before, pictures - shown, seconds)


def report(measured: Fairness, drawn: Drawn) -> int:
    for slots in sorted(set(measured.slots)):
        delays = _with(measured, slots)
        mean = sum(delays) / len(delays)
        print(f"{slots} slots: {max(delays):.2f} of a request's time at most, {mean:.2f} on average")
    greatest = max(measured.delays)
    print(f"{len(measured.delays)} patterns: {greatest:.2f} at most")
    print(
        f"{drawn.requested} pictures for one person: another's came after {drawn.between} of them "
        f"and {drawn.seconds:.2f} s, {drawn.left} came later"
    )
    kept = greatest <= 1.0 and drawn.kept
    return verdict("delayed by at most one request's time, or three pictures'", kept=kept)


def _with(measured: Fairness, slots: int) -> Sequence[float]:
    return [delay for delay, had in zip(measured.delays, measured.slots, strict=True) if had == slots]


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--patterns", type=int, default=300, help="default: 300")
    arguments.add_argument("--seed", type=int, default=0, help="of the patterns (default: 0)")
    options = arguments.parse_args()
    return report(asyncio.run(measure(options.patterns, options.seed)), asyncio.run(draw(PICTURES)))


if __name__ == "__main__":
    raise SystemExit(main())
