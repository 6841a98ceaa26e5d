"""How far the model has loaded: in words, as a bar in a terminal, as a line per stage elsewhere."""

from __future__ import annotations

import logging
import sys

import pytest

from bot.model.client.progress import LoadingBar, loading_text
from bot.model.protocol import Loading
from bot.system.terminal import complain

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


def test_a_stage_that_does_not_say_how_far_it_is_shows_only_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with LoadingBar() as bar:
        bar.show(Loading("starting torch", 0, 0, ""))
        assert seen(capsys.readouterr().err) == ["starting torch …"]


def test_lines_stand_on_their_own_beside_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with LoadingBar() as bar:
        bar.show(Loading("starting torch", 0, 0, ""))
        complain("Hello")
        bar.close()  # as once the model is ready
        assert seen(capsys.readouterr().err) == ["Hello", ""]
        bar.show(Loading("starting torch", 0, 0, ""))  # again, in a new worker
        assert seen(capsys.readouterr().err) == ["starting torch …"]


def seen(written: str) -> list[str]:
    """The lines as a terminal shows them: what follows a carriage return covers what stood there."""
    return [covered(line) for line in written.split("\n")]


def covered(line: str) -> str:
    shown = ""
    for part in line.split("\r"):
        shown = part + shown[len(part) :]
    return shown.rstrip()


def test_a_log_gets_a_line_per_stage(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), LoadingBar() as bar:
        for loading in STAGES:
            bar.show(loading)

    assert [record.getMessage() for record in caplog.records] == [
        "model: downloading",
        "model: packing weights",
    ]


@pytest.mark.parametrize(
    ("loading", "text"),
    [
        (None, "starting"),
        (Loading("starting torch", 0, 0, ""), "starting torch"),
        (Loading("downloading", 0, 0, "B"), "downloading"),
        (Loading("downloading", 0, 3_246_000_000, "B"), "downloading, 0.0 of 3.2 GB"),
        (Loading("downloading", 1_210_000_000, 3_246_000_000, "B"), "downloading, 1.2 of 3.2 GB"),
        (Loading("downloading", 12_000_000, 0, "B"), "downloading, 12 MB"),
        (Loading("checking", 5_000_000, 12_400_000, "B"), "checking, 5 of 12 MB"),
        (Loading("packing weights", 0, 36, "layers"), "packing weights, 0 %"),
        (Loading("packing weights", 35, 36, "layers"), "packing weights, 97 %"),
        (Loading("packing weights", 36, 36, "layers"), "packing weights, 100 %"),
        (Loading("packing weights", 40, 36, "layers"), "packing weights, 100 %"),
    ],
)
def test_progress_is_described_in_words(loading: Loading | None, text: str) -> None:
    assert loading_text(loading) == text
