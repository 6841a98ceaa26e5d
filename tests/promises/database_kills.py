"""Processes that are killed at random moments while they keep runs."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from random import Random

from tests.promises.ledger import Ledger
from tests.promises.run_writer import NUMBERS, keep_until_killed

# Seconds that a process has for work before it is killed.
SHORTEST, LONGEST = 0.01, 0.6
_PATIENCE = 60.0


def killed(url: str, process: int, chance: Random) -> Ledger:
    """What the process of this number had said when it was killed, some time after its first line."""
    ledger = Ledger()
    with _keeping(url, process) as (keeper, lines):
        _read(lines, ledger, _PATIENCE, enough=lambda: bool(ledger.runs))
        _read(lines, ledger, chance.uniform(SHORTEST, LONGEST))
        keeper.kill()
        keeper.join()
        _read(lines, ledger, _PATIENCE)
    return ledger


def disturbed(url: str, process: int, chance: Random, disturb: Callable[[], object], times: int) -> Ledger:
    """What a process said that was let work to its end, while its database was disturbed so often."""
    ledger = Ledger()
    with _keeping(url, process) as (keeper, lines):
        _read(lines, ledger, _PATIENCE, enough=lambda: bool(ledger.runs))
        for _ in range(times):
            _read(lines, ledger, chance.uniform(SHORTEST, LONGEST))
            disturb()
        _read(lines, ledger, LONGEST)
        lines.send("end")
        _read(lines, ledger, _PATIENCE, enough=lambda: ledger.ended)
        keeper.join(_PATIENCE)
    return ledger


@contextmanager
def _keeping(url: str, process: int) -> Iterator[tuple[BaseProcess, Connection]]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.promises.run_writer"])
    ours, theirs = context.Pipe()
    keeper = context.Process(target=keep_until_killed, args=(url, 1 + process * NUMBERS, theirs))
    keeper.start()
    theirs.close()
    try:
        yield keeper, ours
    finally:
        keeper.kill()
        keeper.join()
        keeper.close()
        ours.close()


def _read(
    lines: Connection, ledger: Ledger, seconds: float, *, enough: Callable[[], bool] = lambda: False
) -> None:
    """Enter lines until there are enough, the time is over, or nobody writes any more."""
    deadline = time.monotonic() + seconds
    try:
        while not enough() and lines.poll(max(0.0, deadline - time.monotonic())):
            ledger.enter(lines.recv())
    except (EOFError, ConnectionResetError):
        return  # a line that was cut has told nothing
