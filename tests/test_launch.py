"""A bot whose model is on another machine."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bot import launch
from bot.errors import ServiceAway
from bot.launch import started
from bot.model.remote.service import ModelService
from bot.queue.limits import Asker
from bot.queue.updates import Finished
from bot.settings import Settings
from tests.support.model_services import FakeReplica, on_loopback
from tests.support.scripted_requests import a_request, undisturbed

ROOT = Path(__file__).parents[1]


async def test_with_model_url_the_bot_asks_the_service_and_has_no_worker() -> None:
    before = set(psutil.Process().children())
    async with on_loopback(FakeReplica(key="k3y").app()) as address:
        settings = Settings.from_env({"MODEL_URL": str(address), "MODEL_KEY": "k3y"})
        async with started(settings) as parts:
            assert isinstance(parts.model, ModelService)
            await parts.model.wait_ready()
            request = a_request(steps=4)
            async with parts.queue.stream(request, asker=Asker(1, None)) as updates:
                last = [update async for update in updates][-1]
            assert set(psutil.Process().children()) <= before
    assert isinstance(last, Finished)
    assert [*last.completion.steps] == [event.step for event in undisturbed(request)[:-1]]  # type: ignore[union-attr]


async def test_one_command_gives_up_where_nobody_answers_and_the_bot_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(launch, "NOBODY", 0.0)
    settings = Settings.from_env({"MODEL_URL": "http://127.0.0.1:9"})
    async with started(settings, answers_once=True) as parts:
        with pytest.raises(ServiceAway):
            await parts.model.wait_ready()
    async with started(settings) as parts:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await parts.model.wait_ready()


@pytest.mark.slow
def test_the_bot_needs_no_torch_where_the_model_is_elsewhere() -> None:
    code = (
        "import sys; "
        "blocked = dict.fromkeys(('torch', 'transformers', 'llvmlite', 'safetensors', 'tokenizers', 'ray')); "
        "sys.modules.update(blocked); "
        "import bot.__main__, bot.app, bot.serve, bot.model.remote.service; "
        "from importlib import import_module; from bot.client import COGS; list(map(import_module, COGS))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert answer.returncode == 0, answer.stderr
