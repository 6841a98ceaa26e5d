"""Processes that are killed, or lose their database, at random moments while they store runs."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from random import Random

from tests.promises.ledger import Ledger
from tests.promises.run_writer import NUMBERS, write_until_killed

# Seconds that a process has to work before it is killed.
SHORTEST, LONGEST = 0.01, 0.6
_PATIENCE = 60.0


def write_and_kill(url: str, process: int, chance: Random) -> Ledger:
    """Start a process, kill it at a random moment after its first run, and return what it had reported.

    ``process`` numbers it, so that no two write the same runs.
    """
    ledger = Ledger()
    with _writing(url, process) as (writer, lines):
        _read(lines, ledger, _PATIENCE, enough=lambda: bool(ledger.runs))
        _read(lines, ledger, chance.uniform(SHORTEST, LONGEST))
        writer.kill()
        writer.join()
        _read(lines, ledger, _PATIENCE)
    return ledger


def write_and_disturb(
    url: str, process: int, chance: Random, disturb: Callable[[], object], times: int
) -> Ledger:
    """Let a process end by itself, ``disturb`` its database ``times`` times, and return what it reported."""
    ledger = Ledger()
    with _writing(url, process) as (writer, lines):
        _read(lines, ledger, _PATIENCE, enough=lambda: bool(ledger.runs))
        for _ in range(times):
            _read(lines, ledger, chance.uniform(SHORTEST, LONGEST))
            disturb()
        _read(lines, ledger, LONGEST)
        lines.send("end")
        _read(lines, ledger, _PATIENCE, enough=lambda: ledger.ended)
        writer.join(_PATIENCE)
    return ledger


@contextmanager
def _writing(url: str, process: int) -> Iterator[tuple[BaseProcess, Connection]]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.promises.run_writer"])
    ours, theirs = context.Pipe()
    writer = context.Process(target=write_until_killed, args=(url, 1 + process * NUMBERS, theirs))
    writer.start()
    theirs.close()
    try:
        yield writer, ours
    finally:
        writer.kill()
        writer.join()
        writer.close()
        ours.close()


def _read(
    lines: Connection, ledger: Ledger, seconds: float, *, enough: Callable[[], bool] = lambda: False
) -> None:
    """Enter lines until there are ``enough``, ``seconds`` are over, or the writer has ended."""
    deadline = time.monotonic() + seconds
    try:
        while not enough() and lines.poll(max(0.0, deadline - time.monotonic())):
            ledger.enter(lines.recv())
    except (EOFError, ConnectionResetError):
        return  # the writer is gone; an incomplete line doesn't count
