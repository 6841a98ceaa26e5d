"""How far the model is: a bar in a terminal, a line a stage elsewhere."""

from __future__ import annotations

import logging
import sys

import pytest

from bot.model.client.progress import LoadingBar
from bot.model.protocol import Loading

STAGES = [
    Loading("downloading", 0, 0, "B"),
    Loading("downloading", 1_000, 4_000, "B"),
    Loading("packing weights", 18, 36, "layers"),
]


def test_a_terminal_shows_a_bar_that_moves(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with LoadingBar() as bar:
        for loading in STAGES:
            bar.show(loading)
    shown = capsys.readouterr().err

    assert "downloading" in shown
    assert "packing weights" in shown
    assert "18.0/36.0" in shown


def test_a_log_gets_a_line_a_stage(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), LoadingBar() as bar:
        for loading in STAGES:
            bar.show(loading)

    assert [record.getMessage() for record in caplog.records] == [
        "model: downloading",
        "model: packing weights",
    ]
