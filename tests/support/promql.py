"""What the queries of the alerts and of the board ask for, and promtool, which can read them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

# Prometheus makes these itself.
OF_PROMETHEUS = {"up", "ALERTS"}
_METRIC = re.compile(r"\b(?:tokenwise|process|python)_\w+|\b(?:up|ALERTS)\b(?!\s*\()")
_MATCHER = re.compile(r"(\w+)\{([^}]*)\}")
_EQUAL = re.compile(r'(\w+)="([^"]*)"')

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool here")


def metrics_in(query: str) -> set[str]:
    return set(_METRIC.findall(query))


def labels_in(query: str) -> set[tuple[str, str, str]]:
    """(metric, label, value) wherever the query asks for exactly that value."""
    return {
        (metric, label, value)
        for metric, matchers in _MATCHER.findall(query)
        for label, value in _EQUAL.findall(matchers)
    }


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["promtool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
