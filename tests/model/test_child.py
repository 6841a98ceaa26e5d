"""The worker's process, seen from the bot."""

from __future__ import annotations

import logging
import sys

import pytest

from bot.model.child import Child

SHOW_ENVIRONMENT = (
    "import os, sys; names = 'DISCORD_TOKEN', 'DATABASE_URL', 'PGPASSWORD', 'KEPT'; "
    "print(*(os.environ.get(name) for name in names), file=sys.stderr)"
)


async def test_the_worker_is_not_given_the_bot_s_secrets(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a.very.secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@somewhere/something")
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("KEPT", "kept")
    with caplog.at_level(logging.INFO):
        async with Child.started(
            [sys.executable, "-c", SHOW_ENVIRONMENT], grace=30.0, patience=30.0
        ) as child:
            assert child.pid

    assert "None None None kept" in caplog.text
