"""Nothing that was acknowledged is lost: the program's measurement, small."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random

import pytest

from bot.store.database import IN_MEMORY, Database
from tests.promises.database import OUTAGES, Figures, Series, all_outages, report
from tests.promises.database_kills import disturbed, killed
from tests.promises.ledger import Found
from tests.promises.outages import Outage
from tests.promises.postgresql import terminate_others


@pytest.mark.slow
async def test_a_killed_process_loses_nothing_that_it_acknowledged(database: Database, url: str) -> None:
    if url == IN_MEMORY:
        pytest.skip("a database in memory ends with its process")
    for process in range(2):
        found = await (await asyncio.to_thread(killed, url, process, Random(process))).compare(url)
        assert found.acknowledged
        assert found.is_whole, found


@pytest.mark.slow
async def test_whose_connections_are_terminated_loses_nothing_either() -> None:
    url = os.environ.get("TEST_POSTGRESQL") or pytest.skip("TEST_POSTGRESQL names no server")
    ledger = await asyncio.to_thread(
        disturbed, url, 7, Random(0), lambda: asyncio.run(terminate_others(url)), times=2
    )
    found = await ledger.compare(url)

    assert ledger.ended
    assert found.acknowledged
    assert found.is_whole, found


@pytest.mark.slow
def test_a_file_that_fails_for_a_while_costs_nobody_anything(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)  # where the tests are root's, somebody else must get there
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as process:
        found = process.submit(all_outages, tmp_path).result()

    assert [outage.name for outage in found][:-1] == list(OUTAGES)
    assert [outage for outage in found if not outage.is_whole] == []
    assert [outage.name for outage in found[:-1] if outage.skipped] == []  # a full disk takes root


@pytest.mark.parametrize(
    "worse",
    [
        Figures((Series("killed", 1, Found(acknowledged=5, lost=1)),), ()),
        Figures((Series("killed", 1, Found(acknowledged=5, corrupt=1)),), ()),
        Figures((Series("killed", 1, Found(acknowledged=5, mixed_up=1)),), ()),
        Figures((Series("killed", 1, Found()),), ()),
        Figures((), (Outage("locked", kept=5, waited=5, lost=1),)),
        Figures((), (Outage("locked", kept=5, waited=5, raised=1),)),
        Figures((), (Outage("locked", kept=5),)),
    ],
)
def test_whatever_is_missed_is_told(worse: Figures, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(worse) == 1
    assert "MISSED" in capsys.readouterr().out
