"""The real bot in a process of its own, on a Discord on loopback."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path

from bot.settings import DEMO_MODEL, Settings
from tests.fakes.discord.addresses import GATEWAY, REST, Addresses

ROOT = Path(__file__).parents[3]
TOKEN = "a.fake.token"  # noqa: S105
LINES = 10_000  # of output to keep
PATIENCE = 120.0  # seconds to end after SIGTERM


@dataclass(eq=False)
class BotProcess:
    """``lines`` are the last lines it wrote to stderr and stdout, ``folder`` is its working directory."""

    process: asyncio.subprocess.Process
    folder: Path
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number if one killed it."""
        return self.process.returncode

    @property
    def stderr(self) -> str:
        return "\n".join(self.lines)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def wait(self, patience: float = PATIENCE) -> int:
        """Its exit status; TimeoutError after ``patience`` seconds."""
        async with asyncio.timeout(patience):
            return await self.process.wait()

    async def said(self, text: str, patience: float = 60.0) -> str:
        """Wait for a line with ``text`` in it, and return it; EOFError if the bot ends first."""
        async with asyncio.timeout(patience):
            while True:
                for line in list(self.lines):
                    if text in line:
                        return line
                if self.returncode is not None:
                    raise EOFError(self.stderr)
                await asyncio.sleep(0.02)

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Keep reading its output, so that it never blocks."""
        rest = b""
        while chunk := await stream.read(65_536):
            *lines, rest = (rest + chunk).split(b"\n")
            self.lines.extend(line.decode(errors="replace") for line in lines)
            rest = rest[-65_536:]
        if rest:
            self.lines.append(rest.decode(errors="replace"))


@asynccontextmanager
async def running(addresses: Addresses, environment: Mapping[str, str]) -> AsyncIterator[BotProcess]:
    """Run the bot in an empty folder with the settings in ``environment``, by default with the demo model.

    After the block it gets SIGTERM, and SIGKILL if it doesn't end.
    """
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes.discord.launch"),
            cwd=folder,
            env=_environment(addresses, environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        bot = BotProcess(process, Path(folder))
        assert process.stdout is not None
        assert process.stderr is not None
        reading = [asyncio.create_task(bot.read(stream)) for stream in (process.stdout, process.stderr)]
        try:
            yield bot
        finally:
            await _end(process)
            await asyncio.wait(reading)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


def _environment(addresses: Addresses, settings: Mapping[str, str]) -> dict[str, str]:
    own = {setting.name.upper() for setting in fields(Settings)}
    proxied = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    inherited = {
        name: value for name, value in os.environ.items() if name not in own and name.lower() not in proxied
    }
    defaults = {"DISCORD_TOKEN": TOKEN, "MODEL": DEMO_MODEL, "PYTHONPATH": str(ROOT)}
    return inherited | defaults | {REST: addresses.rest, GATEWAY: addresses.gateway} | dict(settings)
