"""What a contributor runs before a commit is what .ci/run runs, and CONTRIBUTING.md fits on a screen."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
HOOKS = ROOT / ".pre-commit-config.yaml"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SCREEN = 55  # lines


def test_the_hooks_run_the_linters_and_types_of_the_ci() -> None:
    (local,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))["repos"]
    checks = re.findall(
        r"^(?:ruff|mypy)\b.*$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert local["repo"] == "local"
    assert [hook["entry"] for hook in local["hooks"]] == checks
    # The installed ruff and mypy check everything, as they do in CI.
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in local["hooks"])


def test_pre_commit_accepts_the_hooks() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(HOOKS)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_contributing_fits_on_a_screen_and_its_paths_exist() -> None:
    named = re.findall(r"`((?:bot|cogs|tests|deploy)/[\w/]*(?:\.py)?)`", CONTRIBUTING)
    places = [place for place in named if "WORD" not in place]

    assert len(CONTRIBUTING.splitlines()) <= SCREEN
    assert places
    assert [place for place in places if not (ROOT / place).exists()] == []
