"""How many of the model's steps pass until a cancelled text's slot is free.

    python -m tests.promises.cancel [--times 50] [--model FOLDER]

The queue and the model worker are the real ones, with eight slots: seven texts keep
running, an eighth is cancelled at a random moment, by *Stop* or by leaving its
stream, and a ninth waits. The program counts the steps of the seven between the
cancellation and the ninth's first token: the step under way is completed, and the
next one gives that token.

The bar: two steps, so none is wasted. ``tests/promises/test_cancel.py`` shows that
nothing is computed either once the bot knows of a deleted message, a lost channel or
a shutdown.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.model.client.process import ModelProcess, worker_command
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.limits import Asker, Limits
from bot.queue.queue import GenerationQueue
from bot.queue.updates import Progress
from bot.settings import DEMO_MODEL
from tests.promises.figures import parser, verdict

SLOTS = 8
BAR = 2
ASKER = Asker(1, None)


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Steps of the other texts, and seconds, until the waiting text's first token; one each a try."""

    steps: tuple[int, ...]
    seconds: tuple[float, ...]


async def measure(model: ModelProcess, times: int, seed: int) -> Cancelled:
    """Cancel ``times`` texts. The model must be ready and otherwise idle."""
    rng = random.Random(seed)
    steps, seconds = [], []
    async with GenerationQueue(
        model, Limits(max_running=SLOTS, max_waiting=2 * SLOTS, per_person=2 * SLOTS, deadline=600.0)
    ) as queue:
        for number in range(times):
            counted, took = await _once(queue, f"{number} ", rng)
            steps.append(counted)
            seconds.append(took)
    return Cancelled(tuple(steps), tuple(seconds))


async def _once(queue: GenerationQueue, name: str, rng: random.Random) -> tuple[int, float]:
    """Cancel one text; the steps and seconds until the waiting one's first token."""
    async with AsyncExitStack() as others, AsyncExitStack() as cancelled:
        for number in range(SLOTS - 1):
            await others.enter_async_context(queue.stream(_text(f"{name}{number}", 256), asker=ASKER))
        leaving = await cancelled.enter_async_context(queue.stream(_text(f"{name}stop", 256), asker=ASKER))
        waiting = await others.enter_async_context(queue.stream(_text(f"{name}next", 1), asker=ASKER))
        async for update in leaving:
            if isinstance(update, Progress) and len(update.steps) >= rng.randint(1, 20):
                break
        watched = queue._tickets[f"{name}0"]
        before, began = len(watched.steps), time.perf_counter()
        if rng.random() < 0.5:
            queue.cancel(f"{name}stop", owner=ASKER.person)
        else:
            await cancelled.aclose()
        async for update in waiting:
            if isinstance(update, Progress) and update.steps:
                break
        return len(watched.steps) - before, time.perf_counter() - began


def _text(name: str, tokens: int) -> GenerationRequest:
    return GenerationRequest(name, (23421, 373), SamplingParams(max_new_tokens=tokens, seed=1))


def report(measured: Cancelled) -> int:
    for steps, times in sorted(Counter(measured.steps).items()):
        print(f"{steps} steps: {times} times")
    print(f"the next text's first token came after {max(measured.seconds) * 1e3:.0f} ms at most")
    return verdict(f"at most {BAR} steps", kept=max(measured.steps) <= BAR)


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--times", type=int, default=50, help="how many texts are cancelled (default: 50)")
    arguments.add_argument("--model", default=DEMO_MODEL, help="a GPT-2 model (default: the demo model)")
    arguments.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    options = arguments.parse_args()
    return report(asyncio.run(_measure(options.model, options.times, options.seed)))


async def _measure(name: str, times: int, seed: int) -> Cancelled:
    async with ModelProcess(worker_command(name, None, 2, SLOTS), name=name) as model:
        await model.wait_ready()
        return await measure(model, times, seed)


if __name__ == "__main__":
    raise SystemExit(main())
