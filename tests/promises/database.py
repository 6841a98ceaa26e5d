"""How safe a finished run is from failures of the process and of the database.

Usage::

    python -m tests.promises.database [--kills 50] [--terminations 10] [--seed 0]

*Kills*: a process stores runs, deletes old ones, forgets people, records rounds and
votes, and reports each of these; it is killed (SIGKILL) at a random moment, the
database is reopened, and everything that was acknowledged must be there, intact. In
an SQLite file and, where PostgreSQL is installed, in a server of our own.

*Disturbances* of that server, while a process keeps writing: its connections are
terminated, and it is stopped as in a crash and started again.

*Outages* of a file: locked by another process, no room (a limit of this process,
and a disk that is really full, where this user may mount one), read-only, folder
removed, not a database, corrupt. Runs must be accepted all the same and nothing may
raise; they must be stored once the database works again.

Runs that wait for a failing database are in memory, so a kill *during* an outage
loses them, and nothing else: that is the one thing not promised.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.promises import outages
from tests.promises.database_kills import write_and_disturb, write_and_kill
from tests.promises.figures import parser, verdict
from tests.promises.ledger import AuditResult
from tests.promises.outages import Break, Impossible, Outage, outage
from tests.promises.postgresql import Server, server, terminate_others

OUTAGES: dict[str, tuple[Break, bool, bool]] = {
    # name: how to break it, whether the bot is already running, whether the file survives
    "locked by another process": (outages.locked, True, True),
    "no room: a limit": (outages.limited, True, True),
    "read-only, at the start": (outages.read_only, False, True),
    "its folder is removed": (outages.folder_removed, True, False),
    "not a database, at the start": (outages.not_a_database, False, False),
    "not a database, while running": (outages.not_a_database, True, False),
    "corrupt, at the start": (outages.corrupt, False, False),
    "corrupt, while running": (outages.corrupt, True, False),
}


@dataclass(frozen=True, slots=True)
class Series:
    """``times`` kills or disturbances, and what the audits found."""

    name: str
    times: int
    found: AuditResult


@dataclass(frozen=True, slots=True)
class Figures:
    series: tuple[Series, ...]
    outages: tuple[Outage, ...]

    @property
    def kept(self) -> bool:
        return all(series.found.is_intact and series.found.acknowledged for series in self.series) and all(
            outage.is_intact for outage in self.outages
        )


def measure(kills: int, terminations: int, seed: int, *, with_server: bool = True) -> Figures:
    with tempfile.TemporaryDirectory() as name, server() if with_server else _no_server() as postgresql:
        folder = Path(name)
        folder.chmod(0o755)  # read_only switches to another user
        series = [Series("SQLite, killed", kills, _killed(f"sqlite:///{folder}/runs.sqlite3", kills, seed))]
        if postgresql is not None:
            series += _of_server(postgresql, kills, terminations, seed)
        # In a process of its own, because it changes its limits and its user.
        with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as process:
            return Figures(tuple(series), process.submit(all_outages, folder).result())


def _of_server(postgresql: Server, kills: int, terminations: int, seed: int) -> list[Series]:
    url = postgresql.url

    def terminate() -> None:
        asyncio.run(terminate_others(url))

    return [
        Series("PostgreSQL, killed", kills, _killed(url, kills, seed)),
        Series("connections terminated", terminations, _disturbed(url, kills, terminate, terminations, seed)),
        Series("server crashed", 2, _disturbed(url, kills + 1, postgresql.restart, 2, seed)),
    ]


def _killed(url: str, kills: int, seed: int) -> AuditResult:
    chance, found = Random(seed), AuditResult()
    for process in range(kills):
        found += asyncio.run(write_and_kill(url, process, chance).audit(url))
    return found


def _disturbed(url: str, process: int, disturb: Callable[[], object], times: int, seed: int) -> AuditResult:
    return asyncio.run(write_and_disturb(url, process, Random(seed), disturb, times).audit(url))


def all_outages(folder: Path) -> tuple[Outage, ...]:
    return asyncio.run(_all_outages(folder))


async def _all_outages(folder: Path) -> tuple[Outage, ...]:
    found = []
    for number, (name, (how, while_running, survives)) in enumerate(OUTAGES.items()):
        file = folder / str(number) / "runs.sqlite3"
        file.parent.mkdir()
        try:
            found.append(await outage(name, file, how, while_running=while_running, survives=survives))
        except Impossible as reason:
            found.append(Outage(name, skipped=str(reason)))
    return (*found, await _full_disk(folder / "small"))


async def _full_disk(folder: Path) -> Outage:
    name, file = "no room: a full disk", folder / "runs.sqlite3"
    try:
        with outages.small_disk(folder):
            return await outage(name, file, outages.full, while_running=True, survives=True)
    except Impossible as reason:
        return Outage(name, skipped=str(reason))


@contextmanager
def _no_server() -> Iterator[None]:
    yield None


def report(figures: Figures) -> int:
    for series in figures.series:
        found = series.found
        print(
            f"{series.name}: {series.times} times; {found.acknowledged} runs acknowledged, "
            f"{found.lost} lost, {found.corrupt} corrupt, {found.inconsistent} inconsistent"
        )
    for one in figures.outages:
        print(f"{one.name}: {_describe(one)}")
    skipped = sum(bool(one.skipped) for one in figures.outages)
    bar = "no acknowledged run lost, nothing raised" + (f"; {skipped} skipped" if skipped else "")
    return verdict(bar, kept=figures.kept)


def _describe(one: Outage) -> str:
    if one.skipped:
        return f"skipped: {one.skipped}"
    return (
        f"{one.kept} kept during it, {one.waited} of them waited, {one.read} read, {one.refused} refused, "
        f"{one.raised} raised, {one.lost} lost"
    )


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--terminations", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=0)
    options = arguments.parse_args()
    return report(measure(options.kills, options.terminations, options.seed))


if __name__ == "__main__":
    sys.exit(main())
