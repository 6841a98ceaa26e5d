"""Without a token the bot connects to no other machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.offline import guarded


def test_the_guard_records_attempts(tmp_path: Path) -> None:
    program = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    with guarded(tmp_path) as (environment, attempts):
        tried = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=False
        )

    assert tried.returncode == 1
    assert attempts() == ["socket.getaddrinfo 192.0.2.1"]


@pytest.mark.slow
def test_a_command_works_without_the_network(tmp_path: Path) -> None:
    with guarded(tmp_path) as (environment, attempts):
        answered = subprocess.run(
            [sys.executable, "-m", "bot", "try", "/next prompt:London was"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert answered.returncode == 0, answered.stderr
    assert "London was" in answered.stdout
    assert attempts() == []
