"""How the database bears many runs.

Usage::

    python -m tests.benchmarks.database [--runs 1000000] [--people 20000] [--tokens 16] [--postgresql URL]

Fills a database of schema 1 with runs of every kind, and measures on it

*the migration* to the newest revision;
*opening* a run as every button does, with its transaction and its decoding;
*storing* runs, one after the other;
*/forget* of people with an average number of runs;
*the longest lock* while retention deletes a tenth of the runs: by the time that a portion takes or,
for an SQLite file, by how long another program could not begin to write;
*the disk* that it takes.

In an SQLite file, and in a PostgreSQL: the one at URL, whose tables are dropped first, or one of its
own, where PostgreSQL is installed. The exit status is 1 if a bar is missed.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain, count, islice
from pathlib import Path
from random import Random
from unittest.mock import patch

import psycopg

from bot.store import tables
from bot.store.database import Database, opened
from bot.store.portions import Size
from bot.store.runs import DAY, Runs
from tests.promises.figures import describe, parser, percentile, verdict
from tests.promises.postgresql import server
from tests.store import schema_1
from tests.store.schema_1 import LACKS
from tests.support.filled import CHANNEL, KINDS, Kept, Maker, fill
from tests.support.samples import NOON

OPENING, FORGETTING, LOCK = 0.020, 2.0, 0.100  # the bars, in seconds
BAR = "a run opens in < 20 ms (99 %), /forget takes < 2 s, retention holds no lock for 100 ms"
_OPENED, _STORED, _FORGOTTEN = 1_000, 1_000, 20
# Runs are kept for so long, and those of the benchmark are spread over fewer days.
_KEPT, _SPREAD = 30, 20


@dataclass
class Figures:
    """In seconds, but for ``bytes``."""

    runs: int
    filled: float = 0.0
    migrated: float = 0.0
    bytes: int = 0
    opened: list[float] = field(default_factory=list)
    stored: list[float] = field(default_factory=list)
    forgot: list[float] = field(default_factory=list)
    gone: int = 0  # runs that were forgotten
    deleted: int = 0
    portions: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)  # by another program, for SQLite's lock

    @property
    def locked(self) -> float:
        """The longest lock: for how long SQLite kept another program waiting, or a portion of PostgreSQL's.

        SQLite copies its journal at the end of some portions, when the lock is free again.
        """
        return max(self.waited or self.portions)

    @property
    def is_kept(self) -> bool:
        return percentile(self.opened, 99) < OPENING and max(self.forgot) < FORGETTING and self.locked < LOCK


@dataclass(frozen=True)
class Contents:
    """``runs`` runs of every kind, made by ``maker``."""

    runs: int
    maker: Maker

    def __iter__(self) -> Iterator[Kept]:
        made = (self.maker.make(kind, number) for number in count() for kind in KINDS)
        return islice(chain.from_iterable(made), self.runs)

    def some_ids(self, number: int) -> list[str]:
        each = sum(1 for kind in KINDS for _ in self.maker.make(kind, 0))
        chance = Random(0)
        return [
            next(self.maker.make(chance.choice(KINDS), chance.randrange(self.runs // each))).run.run_id
            for _ in range(number)
        ]


async def measure(url: str, contents: Contents) -> Figures:
    figures = Figures(contents.runs)
    async with opened(url) as database:
        async with database._engine.begin() as connection:
            await connection.run_sync(tables.metadata.drop_all)
            await connection.run_sync(schema_1.make, "oldest")
        began = time.perf_counter()
        await fill(database, contents, skipped=LACKS["oldest"])
        _settle(url)
        filled = time.perf_counter()
        await database.prepare()
        figures.filled, figures.migrated = filled - began, time.perf_counter() - filled
        figures.bytes = _size(url)
        await _use(database, contents, figures)
        await _retain(database, url, figures)
    return figures


async def _use(database: Database, contents: Contents, figures: Figures) -> None:
    runs = Runs(database, days=_KEPT, clock=lambda: NOON + _SPREAD * DAY)
    for run_id in contents.some_ids(_OPENED):
        began = time.perf_counter()
        await runs.get(run_id)
        figures.opened.append(time.perf_counter() - began)
    for number in range(_STORED):
        began = time.perf_counter()
        await runs.keep(contents.maker.completion(contents.runs + number), channel=CHANNEL)
        figures.stored.append(time.perf_counter() - began)
    for person in range(1, 1 + _FORGOTTEN):
        began = time.perf_counter()
        figures.gone += (await runs.forget(person)).runs
        figures.forgot.append(time.perf_counter() - began)


async def _retain(database: Database, url: str, figures: Figures) -> None:
    """Delete the runs of the first tenth of the days."""

    class Recorded(Size):
        def took(self, seconds: float) -> None:
            figures.portions.append(seconds)
            super().took(seconds)

    runs = Runs(database, days=_KEPT, clock=lambda: NOON + (_KEPT + _SPREAD / 10) * DAY)
    with patch("bot.store.runs.Size", Recorded), _another_writer(url, figures.waited):
        figures.deleted = await runs.delete_old()


@contextmanager
def _another_writer(url: str, waited: list[float]) -> Iterator[None]:
    """Begin to write again and again, in an SQLite file; note how long that was not possible."""
    if not url.startswith("sqlite"):
        yield
        return
    ended = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(_file(url), timeout=0, isolation_level=None)) as connection:
            since = time.perf_counter()
            while not ended.wait(0.001):
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError:
                    continue
                connection.execute("ROLLBACK")
                waited.append(time.perf_counter() - since)
                since = time.perf_counter()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _settle(url: str) -> None:
    """Do what a PostgreSQL does by itself after a while; SQLite has nothing of the kind."""
    if not url.startswith("sqlite"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def _size(url: str) -> int:
    """Bytes on the disk."""
    if url.startswith("sqlite"):
        file = _file(url)
        return sum(one.stat().st_size for one in file.parent.glob(f"{file.name}*"))
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def report(name: str, figures: Figures) -> None:
    each = figures.gone / len(figures.forgot)
    print(f"{name}: {figures.runs:,} runs, filled in {figures.filled:.0f} s")
    print(f"  migrating from schema 1: {figures.migrated:.1f} s; disk: {figures.bytes / 2**20:,.0f} MiB")
    print(f"  opening a run: {describe(figures.opened, 1_000, 'ms')}")
    print(f"  storing a run: {describe(figures.stored, 1_000, 'ms')}")
    print(f"  /forget, {each:.0f} texts each: {describe(figures.forgot, 1_000, 'ms')}")
    print(f"  retention: {figures.deleted:,} runs in {len(figures.portions):,} portions", end="; ")
    longest = 1_000 * max(figures.portions)
    print(f"longest lock {1_000 * figures.locked:.1f} ms, longest portion {longest:.1f} ms")


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=1_000_000)
    arguments.add_argument("--people", type=int, default=20_000)
    arguments.add_argument("--tokens", type=int, default=16, help="of a text")
    arguments.add_argument("--postgresql", metavar="URL", help="a database that may be emptied")
    options = arguments.parse_args()
    pause = _SPREAD * DAY / (options.runs / 12)
    contents = Contents(options.runs, Maker(people=options.people, tokens=options.tokens, pause=pause))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        found.append(asyncio.run(measure(f"sqlite:///{folder}/runs.sqlite3", contents)))
        report("SQLite", found[-1])
    with server() as own:
        url = options.postgresql or (own and own.url)
        if url:
            found.append(asyncio.run(measure(url, contents)))
            report("PostgreSQL", found[-1])
        else:
            print("PostgreSQL is not installed")
    return verdict(BAR, kept=all(figures.is_kept for figures in found))


if __name__ == "__main__":
    sys.exit(main())
