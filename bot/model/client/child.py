"""One worker process from start to exit: its pipes and its end, nothing about requests.

    async with Child.started(command) as child:
        child.send(Submit(request))
        message = await child.receive()

Frames go out on the child's stdin and come in on its stdout. Its stderr is for
people: every line goes to the logger ``bot.model.worker``. Leaving the context
closes stdin, which ends the worker, and kills it if it does not end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import cast

from bot.background import Background
from bot.model.client.environment import worker_environment
from bot.model.client.heartbeat import Pulse, Vitals, WorkerBroken, beating
from bot.model.model_info import Precision
from bot.model.protocol import Capacity, FromWorker, Pong, ToWorker
from bot.model.wire import HEADER, ProtocolError, body_length, decode, encode

logger = logging.getLogger("bot.model.worker")

CHUNK_BYTES = 64 * 1024
LINE_CHARACTERS = 500
LINES_PER_SECOND = 100
LAST_WORDS = 1.0  # seconds
REAPED = 10.0  # seconds for a killed process to be gone: a busy or swapping machine takes its time
BROKEN_GRACE = 0.2  # seconds
READ_AGAIN = 0.1  # seconds; a worker whose stderr is full blocks


def worker_command(
    model: str,
    revision: str | None,
    threads: int,
    max_batch: int,
    *,
    precision: Precision = "float32",
    prefix_cache: int = 0,
    cache_dir: Path | None = None,
) -> tuple[str, ...]:
    """Return the command that runs the model worker; start it in the project's folder.

    ``prefix_cache`` is in MiB. The worker keeps packed weights in ``cache_dir``, if there is one.
    """
    command = [sys.executable, "-m", "bot.model.worker", "--model", model]
    if revision is not None:
        command += ["--revision", revision]
    command += ["--threads", str(threads), "--max-batch", str(max_batch)]
    command += ["--precision", precision, "--prefix-cache", str(prefix_cache)]
    return (*command, *(["--cache-dir", str(cache_dir)] if cache_dir else []))


class Child:
    """A running worker process; :meth:`started` makes it."""

    def __init__(self, process: Process, patience: float) -> None:
        self._process = process
        self._killed = False  # by us
        self.unfinished = False  # a message has begun to arrive
        self._pulse = Pulse(self, Vitals(process.pid), patience=patience)
        self._stdin = cast("asyncio.StreamWriter", process.stdin)
        self._stdout = cast("asyncio.StreamReader", process.stdout)
        self._stderr = cast("asyncio.StreamReader", process.stderr)

    @classmethod
    @asynccontextmanager
    async def started(
        cls,
        command: Sequence[str],
        *,
        grace: float,
        patience: float,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> AsyncIterator[Child]:
        """Run ``command`` for as long as the context lasts.

        Its environment gets what :func:`worker_environment` lets through of ``settings``.
        A child that does nothing for ``patience`` seconds raises WorkerBroken in
        the body. On leaving, the child has ``grace`` seconds to end after its stdin
        was closed; one that is known to be broken gets only the moment that an exit
        takes. Raises OSError if the command cannot be run.
        """
        # A session of its own: Ctrl-C in the terminal is for the bot, which then
        # ends the worker in order. Only the three pipes are inherited, and no
        # other child inherits ours (PEP 446), so the worker of a bot killed with -9
        # reads the end of its stdin.
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            env=worker_environment(os.environ, settings),
        )
        child = cls(process, patience)
        async with Background(child._log_stderr, name="model worker stderr", pause=READ_AGAIN) as stderr:
            try:
                async with beating(child._pulse):
                    yield child
            except WorkerBroken:
                grace = min(grace, BROKEN_GRACE)
                raise
            finally:
                await child._end(grace)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LAST_WORDS):
                        await stderr.finished()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, message: ToWorker) -> None:
        """Queue a message for the worker; drop it if the worker is dead.

        Nothing waits for the pipe to drain: the requests that the bot admits bound
        the queue.
        """
        if not self._stdin.is_closing():
            self._stdin.write(encode(message))

    async def receive(self) -> FromWorker:
        """Return the worker's next message except Pong; WorkerBroken if there will be none."""
        while True:
            message = await self._message()
            self._pulse.heard(message)
            if not isinstance(message, Pong):
                return message

    async def _message(self) -> FromWorker:
        try:
            length = body_length(await self._stdout.readexactly(HEADER.size))
            self.unfinished = True
            message = decode(await self._stdout.readexactly(length))
            self.unfinished = False
        except (asyncio.IncompleteReadError, OSError) as error:
            raise WorkerBroken("it closed its pipe") from error
        except ProtocolError as error:
            raise WorkerBroken(f"it wrote {error} to its pipe") from error
        if isinstance(message, (ToWorker, Capacity)):
            raise WorkerBroken(f"it wrote a {type(message).__name__}, which no worker may send")
        return message

    def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.returncode is not None:
            return
        self._killed = True
        if sys.platform == "win32":
            self._process.kill()
        else:
            # Not Process.kill(): that polls, and may take the exit status away
            # from asyncio's own waiter, which would then report 255.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def exit_reason(self) -> str:
        """Say how it ended, for the log and the operator: ``exit status 1``."""
        code = self._process.returncode
        if self._killed or code is None:
            return "so it was killed"
        if code >= 0:
            return f"exit status {code}"
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"killed by {name}" + (", perhaps for lack of memory" if name == "SIGKILL" else "")

    async def _end(self, grace: float) -> None:
        self._stdin.close()
        try:
            await self._ended_within(grace)
        finally:  # also if leaving was cancelled: no child outlives its context
            self.kill()
            # Bounded, because a process that the worker started may hold its pipes.
            await self._ended_within(LAST_WORDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(REAPED):
                    await self._gone()

    async def _ended_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended()

    async def _ended(self) -> None:
        # Read what it still writes: a worker blocked on a full pipe never looks at
        # its stdin again, and asyncio does not see the end of a pipe while reading
        # is paused.
        while await self._stdout.read(CHUNK_BYTES):
            pass
        await self._process.wait()

    async def _gone(self) -> None:
        # Process.wait() would wait for the pipes, too, and there is no event for the process alone.
        while self._process.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _log_stderr(self) -> None:
        """Log the child's stderr until it ends; never stop reading it."""
        log = LineLog()
        while chunk := await self._stderr.read(CHUNK_BYTES):
            log.feed(chunk)
            self._pulse.stirred()
        log.feed(b"\n")


class LineLog:
    """Bytes of a stderr → log records, a bounded number of bounded lines.

    A line that begins with its level (``INFO …``, as :mod:`logging` writes) keeps
    that level; anything else was not meant to be printed, and is a warning. Lines
    beyond LINES_PER_SECOND are counted, not logged.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._second = 0.0
        self._logged = 0
        self._dropped = 0

    def feed(self, chunk: bytes) -> None:
        *lines, rest = re.split(rb"[\r\n]+", self._rest + chunk)
        # An endless line is cut, not collected; a character has four bytes at most.
        self._rest = rest[: 4 * LINE_CHARACTERS + 4]
        for line in lines:
            self._log(line.decode("utf-8", "replace").strip())

    def _log(self, line: str) -> None:
        if not line:
            return
        now = time.monotonic()
        if now - self._second >= 1:
            if self._dropped:
                logger.warning("%d more lines were left out", self._dropped)
            self._second, self._logged, self._dropped = now, 0, 0
        if self._logged >= LINES_PER_SECOND:
            self._dropped += 1
            return
        self._logged += 1
        level = logging.INFO if line.startswith(("INFO", "DEBUG")) else logging.WARNING
        # Control characters are replaced, so that no terminal obeys them.
        safe = "".join(c if c.isprintable() else "�" for c in line[:LINE_CHARACTERS])
        logger.log(level, "%s%s", safe, "…" if len(line) > LINE_CHARACTERS else "")
