"""A small version of ``python -m tests.promises.database``."""

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
from tests.promises.database_kills import write_and_disturb, write_and_kill
from tests.promises.ledger import AuditResult
from tests.promises.outages import Outage
from tests.promises.postgresql import terminate_others


@pytest.mark.slow
async def test_a_killed_process_loses_no_acknowledged_run(database: Database, url: str) -> None:
    if url == IN_MEMORY:
        pytest.skip("a database in memory ends with its process")
    for process in range(2):
        found = await (await asyncio.to_thread(write_and_kill, url, process, Random(process))).audit(url)
        assert found.acknowledged
        assert found.is_intact, found


@pytest.mark.slow
async def test_terminated_connections_lose_no_acknowledged_run() -> None:
    url = os.environ.get("TEST_POSTGRESQL") or pytest.skip("TEST_POSTGRESQL names no server")
    ledger = await asyncio.to_thread(
        write_and_disturb, url, 7, Random(0), lambda: asyncio.run(terminate_others(url)), times=2
    )
    found = await ledger.audit(url)

    assert ledger.ended
    assert found.acknowledged
    assert found.is_intact, found


@pytest.mark.slow
def test_an_outage_of_a_file_loses_no_run(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)  # when root runs the tests, another user must have access
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as process:
        found = process.submit(all_outages, tmp_path).result()

    assert [outage.name for outage in found][:-1] == list(OUTAGES)
    assert [outage for outage in found if not outage.is_intact] == []
    assert [outage.name for outage in found[:-1] if outage.skipped] == []  # only root can fill a disk


@pytest.mark.parametrize(
    "worse",
    [
        Figures((Series("killed", 1, AuditResult(acknowledged=5, lost=1)),), ()),
        Figures((Series("killed", 1, AuditResult(acknowledged=5, corrupt=1)),), ()),
        Figures((Series("killed", 1, AuditResult(acknowledged=5, inconsistent=1)),), ()),
        Figures((Series("killed", 1, AuditResult()),), ()),
        Figures((), (Outage("locked", kept=5, waited=5, lost=1),)),
        Figures((), (Outage("locked", kept=5, waited=5, raised=1),)),
        Figures((), (Outage("locked", kept=5),)),
    ],
)
def test_a_missed_bar_fails(worse: Figures, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(worse) == 1
    assert "MISSED" in capsys.readouterr().out
