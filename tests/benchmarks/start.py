"""How long the bot takes from its start to the reply to one command.

    python -m tests.benchmarks.start [--times N] [--beside FOLDER]

Runs ``python -m bot try "/next prompt:London was"`` with the demo model ``--times`` times. ``FOLDER`` is
another checkout; the two take turns, so that a busy machine is equally busy for both. Processor time is
that of the bot and its model worker together; on a busy machine it is the better measure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "bot", "try", "/next prompt:London was")


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds: ``elapsed`` on the clock, ``computed`` of processor time."""

    elapsed: float
    computed: float


def start(folder: Path) -> Start:
    """Start the bot in ``folder`` once; CalledProcessError if it fails."""
    before, began = os.times(), time.monotonic()
    subprocess.run(COMMAND, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    elapsed, after = time.monotonic() - began, os.times()
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    return Start(elapsed, user + system)


def line(folder: Path, starts: list[Start]) -> str:
    elapsed, computed = [one.elapsed for one in starts], [one.computed for one in starts]
    return f"{folder}: {_spread(elapsed)} s, {_spread(computed)} s of processor time"


def _spread(values: list[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.start")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--beside", type=Path, help="another checkout to take turns with")
    options = parser.parse_args()
    starts: dict[Path, list[Start]] = {folder: [] for folder in (options.beside, ROOT) if folder is not None}
    for _ in range(options.times):
        for folder, done in starts.items():
            done.append(start(folder))
    print(f"median (min to max) of {options.times} starts")
    for folder, done in starts.items():
        print(line(folder, done))


if __name__ == "__main__":
    main()
