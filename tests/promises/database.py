"""How safe a finished run is, whatever happens to the process and to the database.

Usage::

    python -m tests.promises.database [--kills 50] [--terminations 10] [--seed 0]

*Kills*: a process keeps runs, deletes old ones, forgets people, records rounds and
votes, and says what it has done; it is killed (SIGKILL) at a random moment, the
database is opened anew, and all that was acknowledged must be there, whole. In an
SQLite file and, where PostgreSQL is installed, in a server of our own.

*Disturbances* of that server: its connections are terminated, and it is stopped as
in a crash and started again, while a process works on, to its end.

*Outages* of a file: locked by another process, no room (a limit of this process's
own, and a real disk that is full, where this user may mount one), read-only, its
folder taken away, no database, corrupt. Runs must be kept all the same and nothing
may raise; what was kept must be stored when the database works again.

What waits while a database fails is in memory, so a kill *during* an outage loses
that, and only that: the one thing that is not promised.
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
from tests.promises.database_kills import disturbed, killed
from tests.promises.figures import parser, verdict
from tests.promises.ledger import Found
from tests.promises.outages import Break, Impossible, Outage, outage
from tests.promises.postgresql import Server, server, terminate_others

OUTAGES: dict[str, tuple[Break, bool, bool]] = {
    # name: how, whether the bot runs by then, whether the file survives
    "locked by another process": (outages.locked, True, True),
    "no room: a limit": (outages.limited, True, True),
    "read-only, at the start": (outages.read_only, False, True),
    "its folder is taken away": (outages.taken_away, True, False),
    "no database, at the start": (outages.no_database, False, False),
    "no database, while running": (outages.no_database, True, False),
    "corrupt, at the start": (outages.corrupt, False, False),
    "corrupt, while running": (outages.corrupt, True, False),
}


@dataclass(frozen=True, slots=True)
class Series:
    """So many kills or disturbances, and what was found."""

    name: str
    times: int
    found: Found


@dataclass(frozen=True, slots=True)
class Figures:
    series: tuple[Series, ...]
    outages: tuple[Outage, ...]

    @property
    def kept(self) -> bool:
        return all(series.found.is_whole and series.found.acknowledged for series in self.series) and all(
            outage.is_whole for outage in self.outages
        )


def measure(kills: int, terminations: int, seed: int, *, with_server: bool = True) -> Figures:
    with tempfile.TemporaryDirectory() as name, server() if with_server else _no_server() as postgresql:
        folder = Path(name)
        folder.chmod(0o755)  # read_only is somebody else for a while
        series = [Series("SQLite, killed", kills, _killed(f"sqlite:///{folder}/runs.sqlite3", kills, seed))]
        if postgresql is not None:
            series += _of_server(postgresql, kills, terminations, seed)
        # In a process of its own, which changes its limits and its user.
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


def _killed(url: str, kills: int, seed: int) -> Found:
    chance, found = Random(seed), Found()
    for process in range(kills):
        found += asyncio.run(killed(url, process, chance).compare(url))
    return found


def _disturbed(url: str, process: int, disturb: Callable[[], object], times: int, seed: int) -> Found:
    return asyncio.run(disturbed(url, process, Random(seed), disturb, times).compare(url))


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
            f"{found.lost} lost, {found.corrupt} corrupt, {found.mixed_up} mixed up"
        )
    for one in figures.outages:
        print(f"{one.name}: {_told(one)}")
    untried = sum(bool(one.skipped) for one in figures.outages)
    bar = "nothing lost that was acknowledged, nothing raised" + (f"; {untried} not tried" if untried else "")
    return verdict(bar, kept=figures.kept)


def _told(one: Outage) -> str:
    if one.skipped:
        return f"not tried, {one.skipped}"
    return (
        f"{one.kept} kept meanwhile, {one.waited} of them waited, {one.read} read, {one.refused} refused, "
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
