"""The real model worker, which takes only the steps that a test allows; and a bot that uses it.

    python -m tests.fakes.paced_worker …        options as of bot.model.worker
    python -m tests.fakes.paced_worker bot …    options as of bot

The file named by the variable PACE holds the number of steps that the worker may take in all, or FREE for any
number, which don't count. Between steps it answers the bot as always, so it looks slow; a stopped process
would look broken.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

PACE = "PACE"
FREE = "free"


def hold_back() -> None:
    """Let the engine take a step only when the file allows one."""
    from bot.model.worker.engine import Engine, Event

    file, step = Path(os.environ[PACE]), Engine.step
    taken = 0

    def paced(engine: Engine) -> list[Event]:
        nonlocal taken
        if engine.idle or (allowed := file.read_text()) == FREE:
            return step(engine)
        if taken >= int(allowed or 0):
            time.sleep(0.01)
            return []
        taken += 1
        return step(engine)

    patch.object(Engine, "step", paced).start()


def bot() -> int:
    from bot.__main__ import main
    from bot.model.client.child import worker_command

    def paced_command(*args: Any, **options: Any) -> tuple[str, ...]:
        command = worker_command(*args, **options)
        return tuple(__spec__.name if part == "bot.model.worker" else part for part in command)

    with patch("bot.launch.worker_command", paced_command):
        return main()


if __name__ == "__main__":
    if sys.argv[1:2] == ["bot"]:
        del sys.argv[1]
        sys.exit(bot())
    hold_back()
    runpy.run_module("bot.model.worker", run_name="__main__")
