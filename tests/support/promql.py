"""The metrics and labels in the queries of alerts and board, and promtool, which checks them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

# Made by Prometheus itself.
OF_PROMETHEUS = {"up", "ALERTS"}
_METRIC = re.compile(r"\b(?:tokenwise|process|python)_\w+|\b(?:up|ALERTS)\b(?!\s*\()")
_MATCHER = re.compile(r"(\w+)\{([^}]*)\}")
_EQUAL = re.compile(r'(\w+)="([^"]*)"')

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def metrics_in(query: str) -> set[str]:
    return set(_METRIC.findall(query))


def labels_in(query: str) -> set[tuple[str, str, str]]:
    """(metric, label, value) for each label that the query matches by equality."""
    return {
        (metric, label, value)
        for metric, matchers in _MATCHER.findall(query)
        for label, value in _EQUAL.findall(matchers)
    }


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["promtool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
