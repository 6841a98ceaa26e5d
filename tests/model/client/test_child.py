"""The worker's process, seen from the bot."""

from __future__ import annotations

import logging
import sys

import pytest

from bot.model.client.child import Child
from bot.model.client.environment import worker_environment

SHOW_ENVIRONMENT = (
    "import os, sys; names = 'DISCORD_TOKEN', 'DATABASE_URL', 'PGPASSWORD', 'KEPT'; "
    "print(*(os.environ.get(name) for name in names), file=sys.stderr)"
)


def test_the_worker_gets_only_the_settings_for_the_hub() -> None:
    for_the_hub = {
        "HF_TOKEN": "hf_x",
        "HF_HOME": "/data",
        "HUGGINGFACE_HUB_CACHE": "/cache",
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": "localhost",
        "SSL_CERT_FILE": "/ca.pem",
    }
    the_bot_s = {
        "DISCORD_TOKEN": "a.b.c",
        "DATABASE_URL": "postgresql://a:b@c/d",
        "MODEL": "gpt2",
        "OTHER": "x",
    }
    assert worker_environment({}, for_the_hub | the_bot_s) == for_the_hub


def test_the_worker_gets_the_bot_s_environment_without_its_secrets() -> None:
    own = {"PATH": "/bin", "HF_HOME": "/data", "DISCORD_TOKEN": "a.b.c", "DATABASE_URL": "sqlite://"}
    assert worker_environment(own, own) == {"PATH": "/bin", "HF_HOME": "/data"}
    assert worker_environment(own, {}) == {"PATH": "/bin", "HF_HOME": "/data"}


def test_an_empty_variable_for_the_hub_counts_as_absent() -> None:
    assert worker_environment({"HF_ENDPOINT": ""}, {"HF_TOKEN": " "}) == {}
    assert worker_environment({"HF_HOME": "/data"}, {"HF_HOME": ""}) == {}


async def test_the_worker_process_does_not_get_the_bot_s_secrets(
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
