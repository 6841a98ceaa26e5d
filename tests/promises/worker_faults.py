"""What a broken model worker costs: only the culprit, and a moment.

    python -m tests.promises.worker_faults [--kills 100] [--model FOLDER]

The real worker with the demo model breaks in every way in turn, while four requests
run. For each way: how long until that was found, how long until a worker answers
again, who failed, and whether all others said the same token ids as undisturbed. Then
the worker is killed again and again, each time as soon as it has served something, while
requests run all the time. The loading time in the bar is that of the first worker, which
nothing disturbed.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bot.model.protocol import GenerationRequest, SamplingParams
from bot.settings import DEMO_MODEL
from tests.fakes.faulty_worker import CUES
from tests.promises.figures import parser, verdict
from tests.promises.worker_kills import AGAIN_WITHIN, Kills, killed
from tests.promises.worker_serving import (
    STEPS,
    Recovery,
    Serving,
    differing,
    faulty_command,
    innocent,
    serving,
)

FOUND_WITHIN = 2.0  # seconds
HANG_FOUND_WITHIN = 10.0
HANGS = {"SIGSTOP", "hang"}
SPARE = 24 * 2**20  # bytes of memory: enough for a text, not for a long one to be scored


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break. ``cost`` is how many workers it may cost."""

    name: str
    cost: int
    culprit: GenerationRequest | None = None
    inflict: Callable[[psutil.Process], None] | None = None
    guilty: bool = False  # whether the culprit is to fail


@dataclass(frozen=True, slots=True)
class Outcome:
    """In seconds: until it was ``found``, and from then on until a worker served ``again``.

    Of several workers that it cost, the longest.
    """

    fault: Fault
    found: float | None
    again: float | None
    loading: float  # of the first worker
    restarts: int
    culprit_failed: bool
    failed: int  # of the others
    differing: int

    @property
    def kept(self) -> bool:
        within = HANG_FOUND_WITHIN if self.fault.name in HANGS else FOUND_WITHIN
        in_time = self.found is None or self.found <= within
        if self.again is not None:
            in_time = in_time and self.again - self.loading <= AGAIN_WITHIN
        blamed = self.culprit_failed == self.fault.guilty
        return in_time and blamed and not self.failed + self.differing and self.restarts == self.fault.cost


@dataclass(frozen=True, slots=True)
class Figures:
    faults: tuple[Outcome, ...]
    kills: Kills

    @property
    def kept(self) -> bool:
        return all(outcome.kept for outcome in self.faults) and self.kills.kept


def _cued(cue: str) -> GenerationRequest:
    return GenerationRequest(cue, (CUES[cue], 481), SamplingParams(max_new_tokens=40))


def signalled(number: signal.Signals) -> Callable[[psutil.Process], None]:
    return lambda process: process.send_signal(number)


def _short_of_memory(process: psutil.Process) -> None:
    process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms + SPARE, psutil.RLIM_INFINITY))


def faults() -> list[Fault]:
    greedy = GenerationRequest("memory", tuple(range(1000, 1900)), SamplingParams(), scored=True)
    return [
        Fault("SIGKILL", 1, inflict=signalled(signal.SIGKILL)),
        Fault("SIGSTOP", 1, inflict=signalled(signal.SIGSTOP)),
        Fault("hang", 1, culprit=_cued("hang")),
        Fault("garbage on the pipe", 1, culprit=_cued("garbage")),
        Fault("half a message", 1, culprit=_cued("unfinished")),
        Fault("a flood on stderr", 0, culprit=_cued("flood")),
        Fault("an exception", 0, culprit=_cued("raise"), guilty=True),
        Fault("poison", 3, culprit=_cued("poison"), guilty=True),
        # The last one, for the limit stays.
        Fault("out of memory", 0, culprit=greedy, inflict=_short_of_memory, guilty=True),
    ]


async def inflicted(serving: Serving, fault: Fault, requests: Sequence[GenerationRequest]) -> Outcome:
    """Let ``requests`` run, break the worker, and see what becomes of all."""
    before, recovery = serving.model.restarts, Recovery()
    others = [asyncio.create_task(serving.said(request)) for request in requests]
    await asyncio.sleep(0.1)
    watching = asyncio.create_task(recovery.follow(serving, deaths=fault.cost or 1))
    start = time.monotonic()
    if fault.inflict is not None:
        fault.inflict(psutil.Process(serving.model.pid))
    culprit = await serving.said(fault.culprit) if fault.culprit is not None else ()
    said = await asyncio.gather(*others)
    if fault.cost:
        await watching
    watching.cancel()
    await asyncio.wait([watching])
    return Outcome(
        fault,
        found=None if recovery.gone is None else recovery.gone - start,
        again=recovery.again,
        loading=serving.loading,
        restarts=serving.model.restarts - before,
        culprit_failed=isinstance(culprit, Exception),
        failed=sum(isinstance(one, Exception) for one in said),
        differing=differing(serving, requests, said),
    )


async def measure(kills: int, *, model: str = DEMO_MODEL, steps: int = STEPS) -> Figures:
    """Every fault on the worker with ``model``, then so many kills of a new one."""
    with tempfile.TemporaryDirectory() as folder:
        async with serving(faulty_command(Path(folder), model), steps=steps) as there:
            outcomes = [await _told(there, fault, steps) for fault in faults()]
        async with serving(faulty_command(Path(folder), model), steps=steps) as there:
            return Figures(tuple(outcomes), await killed(there, kills, steps=steps, told=_progress))


async def _told(there: Serving, fault: Fault, steps: int) -> Outcome:
    outcome = await inflicted(there, fault, innocent(steps))
    print(row(outcome), flush=True)
    return outcome


def _progress(kills: int) -> None:
    if kills % 10 == 0:
        print(f"killed {kills} times", flush=True)


def row(outcome: Outcome) -> str:
    """What became of one fault, in a line."""
    fault, seconds = outcome.fault, _seconds
    culprit = "culprit failed" if outcome.culprit_failed else "nobody guilty"
    return (
        f"{'ok' if outcome.kept else 'MISSED':6}  {fault.name:20}  found {seconds(outcome.found)}, again "
        f"{seconds(outcome.again)} (loading {seconds(outcome.loading)}), {outcome.restarts} restarts, "
        f"{culprit}, others: {outcome.failed} failed, {outcome.differing} differ"
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def report(figures: Figures) -> int:
    """Print what was promised and what came of it; the exit status."""
    kills = figures.kills
    print(f"{kills.kills} SIGKILLs in a row, each after something was served:")
    if kills.again:
        print(
            f"  a worker answers again after {median(kills.again):.2f} s in the median and "
            f"{max(kills.again):.2f} s at most, without its loading {max(kills.beyond):.2f} s"
        )
    print(
        f"  {kills.asked} requests meanwhile: {kills.finished} finished, {kills.failed} failed, "
        f"{kills.differing} with other token ids"
    )
    return verdict(
        f"only the culprit fails, found within {FOUND_WITHIN:.0f} s "
        f"(a hang within {HANG_FOUND_WITHIN:.0f} s), "
        f"served again within the loading time + {AGAIN_WITHIN:.0f} s, everybody else's text unchanged",
        kept=figures.kept,
    )


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--model", default=DEMO_MODEL, help="a folder")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)  # a flood is one of the faults
    return report(asyncio.run(measure(options.kills, model=options.model)))


if __name__ == "__main__":
    sys.exit(main())
