"""The metrics of a real worker process: ready, busy, dead and back."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import aclosing
from pathlib import Path

from bot.model.client.process import ModelProcess
from bot.model.protocol import GenerationRequest, SamplingParams
from tests.support.waiting import until

REQUEST = GenerationRequest("a", (1, 2, 3), SamplingParams(max_new_tokens=6))


async def test_a_worker_is_ready_busy_and_replaced(tmp_path: Path) -> None:
    worker = (
        sys.executable,
        "-m",
        "tests.fakes.scripted_worker",
        str(tmp_path / "journal"),
        json.dumps([{}]),
    )
    async with ModelProcess(worker, name="scripted", pause=0.01) as model:

        async def is_serving() -> bool:
            return model.serving

        assert (model.serving, model.batch, model.restarts) == (False, 0, 0)
        await until(is_serving)
        async with aclosing(model.run(REQUEST)) as events:
            await anext(events)
            assert model.batch == 1

        assert model.pid is not None
        os.kill(model.pid, signal.SIGKILL)

        async def is_replaced() -> bool:
            return model.restarts == 1 and model.serving

        await until(is_replaced)
