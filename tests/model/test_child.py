"""The worker's process, seen from the bot."""

from __future__ import annotations

import logging
import sys

import pytest

from bot.model.child import Child

SHOW_ENVIRONMENT = (
    "import os, sys; print(os.environ.get('DISCORD_TOKEN'), os.environ['KEPT'], file=sys.stderr)"
)


async def test_the_worker_is_not_given_the_bot_s_token(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a.very.secret")
    monkeypatch.setenv("KEPT", "kept")
    with caplog.at_level(logging.INFO):
        async with Child.started(
            [sys.executable, "-c", SHOW_ENVIRONMENT], grace=30.0, patience=30.0
        ) as child:
            assert child.pid

    assert "None kept" in caplog.text
