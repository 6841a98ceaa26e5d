"""Whether a broken model worker costs only the request that broke it, and little time.

    python -m tests.promises.worker_faults [--kills 100] [--model FOLDER]

The real worker with the demo model breaks in each way in turn, while four requests run.
For each way the program prints how long it took to detect the fault, how long until a
worker answered again, which requests failed, and whether all others gave the same token
ids as undisturbed. Then the worker is killed repeatedly while requests run, each time as
soon as it has served something. The loading time in the bar is that of the first worker,
which nothing disturbed.
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
from tests.promises.worker_kills import RECOVERED_WITHIN, Kills, kill_repeatedly
from tests.promises.worker_serving import (
    STEPS,
    Recovery,
    Serving,
    bystanders,
    count_differing,
    faulty_command,
    serving,
)

DETECTED_WITHIN = 2.0  # seconds
HANG_DETECTED_WITHIN = 10.0
HANGS = {"SIGSTOP", "hang"}
SPARE = 24 * 2**20  # bytes: enough to write a text, not to score a long one


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break. ``cost`` is the number of workers it costs."""

    name: str
    cost: int
    culprit: GenerationRequest | None = None
    inflict: Callable[[psutil.Process], None] | None = None
    guilty: bool = False  # whether the culprit must fail


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds until the fault was ``detected``, and from then until a worker answered (``recovery``).

    If it cost several workers, ``recovery`` is the longest.
    """

    fault: Fault
    detected: float | None
    recovery: float | None
    loading: float  # of the first worker
    restarts: int
    culprit_failed: bool
    failed: int  # of the others
    differing: int

    @property
    def kept(self) -> bool:
        within = HANG_DETECTED_WITHIN if self.fault.name in HANGS else DETECTED_WITHIN
        in_time = self.detected is None or self.detected <= within
        if self.recovery is not None:
            in_time = in_time and self.recovery - self.loading <= RECOVERED_WITHIN
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
        # The last one, because the limit stays.
        Fault("out of memory", 0, culprit=greedy, inflict=_short_of_memory, guilty=True),
    ]


async def inflicted(serving: Serving, fault: Fault, requests: Sequence[GenerationRequest]) -> Outcome:
    """Break the worker while ``requests`` run, and see what becomes of them."""
    before, recovery = serving.model.restarts, Recovery()
    others = [asyncio.create_task(serving.generate(request)) for request in requests]
    await asyncio.sleep(0.1)
    watching = asyncio.create_task(recovery.follow(serving, deaths=fault.cost or 1))
    start = time.monotonic()
    if fault.inflict is not None:
        fault.inflict(psutil.Process(serving.model.pid))
    culprit = await serving.generate(fault.culprit) if fault.culprit is not None else ()
    said = await asyncio.gather(*others)
    if fault.cost:
        await watching
    watching.cancel()
    await asyncio.wait([watching])
    return Outcome(
        fault,
        detected=None if recovery.died_at is None else recovery.died_at - start,
        recovery=recovery.seconds,
        loading=serving.loading,
        restarts=serving.model.restarts - before,
        culprit_failed=isinstance(culprit, Exception),
        failed=sum(isinstance(one, Exception) for one in said),
        differing=count_differing(serving, requests, said),
    )


async def measure(kills: int, *, model: str = DEMO_MODEL, steps: int = STEPS) -> Figures:
    """Inflict each fault on a worker with ``model``, then kill a new one ``kills`` times."""
    with tempfile.TemporaryDirectory() as folder:
        async with serving(faulty_command(Path(folder), model), steps=steps) as there:
            outcomes = [await _measure_fault(there, fault, steps) for fault in faults()]
        async with serving(faulty_command(Path(folder), model), steps=steps) as there:
            return Figures(
                tuple(outcomes), await kill_repeatedly(there, kills, steps=steps, on_kill=_progress)
            )


async def _measure_fault(there: Serving, fault: Fault, steps: int) -> Outcome:
    outcome = await inflicted(there, fault, bystanders(steps))
    print(row(outcome), flush=True)
    return outcome


def _progress(kills: int) -> None:
    if kills % 10 == 0:
        print(f"killed {kills} times", flush=True)


def row(outcome: Outcome) -> str:
    """One fault's outcome in a line."""
    fault, seconds = outcome.fault, _seconds
    culprit = "culprit failed" if outcome.culprit_failed else "no culprit"
    return (
        f"{'ok' if outcome.kept else 'MISSED':6}  {fault.name:20}  detected {seconds(outcome.detected)}, "
        f"recovered {seconds(outcome.recovery)} (loading {seconds(outcome.loading)}), "
        f"{outcome.restarts} restarts, "
        f"{culprit}, others: {outcome.failed} failed, {outcome.differing} differ"
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def report(figures: Figures) -> int:
    """Print the figures and the verdict; return the exit status."""
    kills = figures.kills
    print(f"{kills.kills} SIGKILLs in a row, each after something was served:")
    if kills.recovery:
        print(
            f"  a worker answers again after {median(kills.recovery):.2f} s (median) or "
            f"{max(kills.recovery):.2f} s (at most; {max(kills.beyond):.2f} s of it besides loading)"
        )
    print(
        f"  {kills.requests} requests during that: {kills.finished} finished, {kills.failed} failed, "
        f"{kills.differing} with other token ids"
    )
    return verdict(
        f"only the culprit fails, detected within {DETECTED_WITHIN:.0f} s "
        f"(a hang within {HANG_DETECTED_WITHIN:.0f} s), "
        f"recovered within the loading time + {RECOVERED_WITHIN:.0f} s, all other texts unchanged",
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
