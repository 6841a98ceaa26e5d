"""Ways to break and mend a database, and what becomes of the runs meanwhile."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import time

from bot.errors import RunExpired, StoreUnavailable
from bot.store.database import opened
from bot.store.outbox import PAUSE
from bot.store.runs import Runs
from tests.promises.run_writer import DAYS, make_run, run_id

RUNS = 20  # kept before the outage, and as many during it
NOBODY = 65_534
_HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""

Break = Callable[[Path], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Outage:
    """Runs ``kept`` during the outage, and how many of these ``waited``; lookups that were ``read`` or
    ``refused`` or ``raised`` another error; runs ``lost`` in the end.

    ``skipped`` says why the outage was not tried.
    """

    name: str
    kept: int = 0
    waited: int = 0
    read: int = 0
    refused: int = 0
    raised: int = 0
    lost: int = 0
    skipped: str = ""

    @property
    def is_intact(self) -> bool:
        return bool(self.skipped) or (self.waited > 0 and not (self.raised or self.lost))


class Impossible(Exception):
    """This machine or this user cannot break a database that way."""


@dataclass
class _Clock:
    now: float

    def __call__(self) -> float:
        return self.now


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process holds a lock on the file."""
    command = [sys.executable, "-c", _HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        if holder.stdout is None or holder.stdout.readline() != b"locked\n":
            raise Impossible("the file could not be locked")
        try:
            yield
        finally:
            holder.kill()


@contextmanager
def limited(file: Path) -> Iterator[None]:
    """No file may grow, as under a quota; this applies to the whole process."""
    if sys.platform == "win32":
        raise Impossible("Windows has no such limit")
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max(one.stat().st_size for one in file.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def full(file: Path) -> Iterator[None]:
    """A full disk; the file's folder must be a disk of its own, from ``small_disk``."""
    ballast = file.with_name("ballast")
    with ballast.open("wb", buffering=0) as out:
        try:
            while out.write(bytes(4096)):
                pass
        except OSError:
            pass  # the disk is full now
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def read_only(file: Path) -> Iterator[None]:
    """Neither the file nor its folder is writable. Root becomes another user, as root could write."""
    is_root = os.geteuid() == 0
    file.chmod(0o444)
    file.parent.chmod(0o555)
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        file.parent.chmod(0o755)
        file.chmod(0o644)


@contextmanager
def folder_removed(file: Path) -> Iterator[None]:
    """The folder is deleted, and created again at the end."""
    shutil.rmtree(file.parent)
    yield
    file.parent.mkdir()


@contextmanager
def not_a_database(file: Path) -> Iterator[None]:
    """Random bytes take the file's place, and are deleted at the end."""
    _remove(file)
    file.write_bytes(Random(0).randbytes(40_000))
    yield
    _remove(file)


@contextmanager
def corrupt(file: Path) -> Iterator[None]:
    """Bytes all over the file are overwritten; it is deleted at the end."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data, chance = bytearray(file.read_bytes()), Random(0)
    for _ in range(len(data) // 50):
        data[chance.randrange(100, len(data))] = chance.randrange(256)
    _remove(file)
    file.write_bytes(data)
    yield
    _remove(file)


def _remove(file: Path) -> None:
    for one in file.parent.glob(file.name + "*"):
        one.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk of one megabyte at ``folder``. Raises Impossible where this user may not."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        raise Impossible("only root may mount a disk that can be filled")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607 - as mount above


async def outage(name: str, file: Path, breaking: Break, *, while_running: bool, survives: bool) -> Outage:
    """Keep runs before and while ``breaking`` breaks the database in ``file``, and look for them after.

    The bot is running already (``while_running``) or starts during the outage. If the
    file ``survives``, the runs kept before must do so too.
    """
    logging.disable()  # other tests look at the log
    clock = _Clock(float(int(time())))
    before, meanwhile = range(1, RUNS + 1), range(RUNS + 1, 2 * RUNS + 1)
    async with opened(f"sqlite:///{file}") as first, opened(f"sqlite:///{file}") as second:
        for number in before:
            await Runs(first, days=DAYS, clock=clock).keep(make_run(number, clock.now))
        if not while_running:
            await first.close()
        runs = Runs(first if while_running else second, days=DAYS, clock=clock)
        kept_at = clock.now
        with breaking(file):
            raised = await _keep(runs, meanwhile, clock, kept_at)
            waited = len(runs._outbox)  # proves that the database failed
            read, refused, more = await _look_up(runs, [*before, *meanwhile])
        await runs.flush()
    lost = await _lost(file, [*(before if survives else ()), *meanwhile], clock, kept_at)
    logging.disable(logging.NOTSET)
    return Outage(name, len(meanwhile), waited, read, refused, raised + more, lost)


async def _keep(runs: Runs, numbers: range, clock: _Clock, kept_at: float) -> int:
    """The number of calls that raised."""
    raised = 0
    for number in numbers:
        if number % 5 == 0:
            clock.now += PAUSE  # so that it tries the database again
        try:
            await runs.keep(make_run(number, kept_at))
        except Exception:
            raised += 1
    return raised


async def _look_up(runs: Runs, numbers: list[int]) -> tuple[int, int, int]:
    """How many lookups were read, were refused, and raised another error."""
    read = refused = raised = 0
    for number in numbers:
        try:
            await runs.get(run_id(number))
            read += 1
        except (StoreUnavailable, RunExpired):
            refused += 1
        except Exception:
            raised += 1
    return read, refused, raised


async def _lost(file: Path, numbers: list[int], clock: _Clock, kept_at: float) -> int:
    lost = 0
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=DAYS, clock=clock)
        for number in numbers:
            try:
                lost += await runs.get(run_id(number)) != make_run(number, kept_at)
            except (RunExpired, StoreUnavailable):
                lost += 1
    return lost
