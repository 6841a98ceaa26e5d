"""The version is shown wherever an operator looks for it, and is in the changelog."""

from __future__ import annotations

import re

import pytest

from bot import __version__
from tests.test_main import ROOT, run


@pytest.mark.slow
def test_the_command_line_prints_it() -> None:
    answer = run("--version")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, f"Tokenwise {__version__}\n", "")


def test_the_log_begins_with_it() -> None:
    answer = run("--no-browser", BLOCKED_WORDS_FILE="/nowhere")

    assert answer.stderr.splitlines()[0].endswith(f" INFO    - bot: Tokenwise {__version__}")


def test_it_is_the_newest_of_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\S+)", changelog, re.MULTILINE)

    assert versions[0] == __version__
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions)
