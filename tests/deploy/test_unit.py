"""deploy/tokenwise.service: systemd accepts it, and it suits the bot."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deploying import (
    LONGEST_END,
    MARGIN,
    UNIT,
    assert_it_starts_the_bot,
    assert_variables_are_known,
    unit,
    variables,
)

MOST_EXPOSED = 2.0  # of 10, as systemd-analyze judges; 2.0 and less is "OK"


def test_it_starts_the_bot_with_variables_that_it_knows() -> None:
    assert_it_starts_the_bot(shlex.split(unit()["ExecStart"][0]))
    assert_variables_are_known(variables())


def test_it_gives_the_bot_the_time_it_takes_to_end() -> None:
    assert int(unit()["TimeoutStopSec"][0]) > LONGEST_END + MARGIN
    assert unit()["KillMode"] == ["mixed"]  # the bot ends the worker itself


def test_it_lets_the_worker_write_machine_code() -> None:
    assert "MemoryDenyWriteExecute" not in unit()


def test_it_has_no_secret_in_it() -> None:
    assert "DISCORD_TOKEN" not in UNIT.read_text(encoding="utf-8")
    assert unit()["LoadCredential"] == ["settings:/etc/tokenwise.env"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_finds_it_valid_and_little_exposed(tmp_path: Path) -> None:
    file = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    file.write_text(text.replace("/opt/tokenwise/.venv/bin/python", sys.executable), encoding="utf-8")
    verified = analyze("verify", str(file))
    judged = analyze("security", "--offline=true", str(file))

    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", judged.stdout)
    assert exposure is not None
    assert float(exposure[1]) <= MOST_EXPOSED


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
