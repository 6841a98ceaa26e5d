"""A Ray cluster as its operator runs it: each machine's processes are started again when they end."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import yaml
from aiohttp.test_utils import unused_port
from yarl import URL

from tests.promises.cluster.machines import ENVIRONMENT

RESTART = 1.0  # seconds from the end of a process to its next start, as a supervisor has it


@dataclass(eq=False)
class Station:
    """A ``command`` that is started again whenever it ends, unless the power is cut; in a block."""

    command: Sequence[str]
    log: Path
    starts: int = 0
    _process: Process | None = None
    _has_power: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._has_power.set()
        self._supervising = asyncio.create_task(self._supervise())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._supervising.cancel()
        await asyncio.wait([self._supervising])
        self._kill()

    def cut(self) -> None:
        """Kill it with everything that it has started, and leave it so."""
        self._has_power.clear()
        self._kill()

    def restore(self) -> None:
        """Let it start again."""
        self._has_power.set()

    async def _supervise(self) -> None:
        while True:
            await self._has_power.wait()
            self.starts += 1
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self.command, stdin=DEVNULL, stdout=log, stderr=log, env={**os.environ, **ENVIRONMENT}
                )
            await self._process.wait()
            await asyncio.sleep(RESTART)

    def _kill(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._process.pid)
            for process in [first, *first.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@dataclass(frozen=True, slots=True)
class Stations:
    """A head, which also runs ``serve`` and has the model service's ``address``, and other machines."""

    head: Station
    serve: Station
    others: Sequence[Station]
    address: URL
    folder: Path

    def cut_head(self) -> None:
        self.serve.cut()
        self.head.cut()

    def restore_head(self) -> None:
        # Ray starts no head where it finds processes of one, here those of the other machines.
        (self.folder / "ray_current_cluster").unlink(missing_ok=True)
        self.head.restore()
        self.serve.restore()


@asynccontextmanager
async def stations(
    folder: Path, count: int, import_path: str, arguments: Mapping[str, Any]
) -> AsyncIterator[Stations]:
    """A head, which has no replica, and ``count`` machines with room for one each, for the block.

    ``import_path`` and its ``arguments`` make the application. Files and logs are in ``folder``.
    """
    gcs, http = unused_port(), unused_port()
    ray = [sys.executable, "-m", "ray.scripts.scripts"]
    config = folder / "serve.yaml"
    application = {"name": "tokenwise", "import_path": import_path, "args": dict(arguments)}
    settings = {
        "proxy_location": "HeadOnly",
        "http_options": {"host": "127.0.0.1", "port": http},
        "applications": [{**application, "route_prefix": "/"}],
    }
    config.write_text(yaml.safe_dump(settings))
    head = [*ray, "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={gcs}"]
    head += ["--num-cpus=0", "--include-dashboard=false", "--disable-usage-stats", f"--temp-dir={folder}"]
    other = [*ray, "start", "--block", f"--address=127.0.0.1:{gcs}", "--node-ip-address=127.0.0.1"]
    other += ["--num-cpus=1"]
    serve = [sys.executable, "-m", "ray.serve.scripts", "run", f"--address=127.0.0.1:{gcs}", str(config)]
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(Station(command, folder / f"{name}.log"))
            for name, command in [
                ("head", head),
                # Each has a folder: in one, those that start together would choose the same sockets.
                *((f"m{number}", [*other, f"--temp-dir={folder}/{number}"]) for number in range(count)),
                ("serve", serve),
            ]
        ]
        yield Stations(made[0], made[-1], made[1:-1], URL(f"http://127.0.0.1:{http}"), folder)
