"""The programs that our worker is compared with, one module each.

Importing a peer's module doesn't import the peer: that happens in its functions, which
run in a process of their own (:mod:`tests.benchmarks.peers.child`).
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol, cast

from tests.benchmarks.limits import Limited
from tests.benchmarks.workload import Precision, PrivateMemory, Program, Prompts, into_page_cache

# With an underscore if the module would otherwise hide the program's own.
NAMES = ("generate", "llama_cpp", "openvino_", "ctranslate2_", "onnxruntime_")


class Engine(Protocol):
    """A loaded model."""

    def generate(self, prompts: Prompts, new_tokens: int) -> Prompts:
        """Continue all prompts together; return the new tokens of each."""
        ...


class ClockedEngine(Protocol):
    """One that says when tokens come."""

    def generate(
        self, prompts: Prompts, new_tokens: int, on_step: Callable[[], None] = lambda: None
    ) -> Prompts:
        """The same; ``on_step`` is called whenever each text has got a token."""
        ...


class Peer(Protocol):
    """The interface of each peer's module."""

    @property
    def DISTRIBUTIONS(self) -> tuple[str, ...]:  # noqa: N802
        """The packages to install: the program itself first, then its converters."""
        ...

    @property
    def PRECISIONS(self) -> tuple[Precision, ...]: ...  # noqa: N802

    @property
    def NOTE(self) -> str:  # noqa: N802
        """How it was set up, so that readers can judge whether the comparison is fair."""
        ...

    def prepare(self, model: Path, files: Path, precision: Precision) -> None:
        """Write what ``load`` reads into the folder ``files``, unless it is there."""
        ...

    def load(self, model: Path, files: Path, precision: Precision, threads: int) -> Engine: ...


class PeerFailed(Exception):
    """A peer's process ended with an error; its output says why."""


def peer(name: str) -> Peer:
    return cast("Peer", importlib.import_module(f"{__name__}.{name}"))


def missing(name: str) -> list[str]:
    """The packages of a peer that are not installed."""
    return [distribution for distribution in peer(name).DISTRIBUTIONS if not _installed(distribution)]


def versions(name: str) -> dict[str, str]:
    return {distribution: version(distribution) for distribution in peer(name).DISTRIBUTIONS}


def converted(name: str, model: Path, files: Path) -> Path:
    """The folder for the peer's conversion of the model."""
    return files / f"{name}-{model.name}"


def reads(name: str, model: Path, files: Path, precision: Precision) -> list[Path]:
    """The files with the weights that the peer reads: its own conversion's, or else the model's."""
    own = [
        file
        for found in converted(name, model, files).glob(f"{precision}*")
        for file in ([found] if found.is_file() else found.iterdir())
    ]
    return own or list(model.glob("*.safetensors"))


async def prepare(
    name: str, model: Path, files: Path, precision: Precision, threads: int, limited: Limited
) -> None:
    converted(name, model, files).mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *_command(name, "prepare", model, files, precision, threads),
        env={**os.environ, **limited.variables(name)},
    )
    if status := await process.wait():
        raise PeerFailed(f"{name} could not prepare {precision} (exit status {status})")


@asynccontextmanager
async def started(
    name: str, model: Path, files: Path, precision: Precision, threads: int, limited: Limited
) -> AsyncIterator[Program]:
    """The peer, from its start on; it ends with the block."""
    await asyncio.to_thread(into_page_cache, reads(name, model, files, precision))
    now = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *_command(name, "serve", model, files, precision, threads),
        stdin=PIPE,
        stdout=PIPE,
        env={**os.environ, **limited.variables(name)},
    )
    try:
        yield Running(name, process, now, PrivateMemory(process.pid))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@dataclass(eq=False)
class Running:
    """A peer's process, asked and answering by lines of JSON (:mod:`tests.benchmarks.peers.child`)."""

    name: str
    process: Process
    started: float
    loading: PrivateMemory

    @property
    def pid(self) -> int:
        return self.process.pid

    async def generate(self, prompts: Prompts, new_tokens: int) -> list[int]:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([prompts, new_tokens]).encode() + b"\n")
        if not (line := await stdout.readline()):
            raise PeerFailed(f"{self.name} ended (exit status {await self.process.wait()})")
        return cast("list[int]", json.loads(line))

    async def again(self) -> None:
        return None


def _command(
    name: str, task: str, model: Path, files: Path, precision: Precision, threads: int
) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", f"{__name__}.{name}", task, str(model), str(converted(name, model, files))),
        *("--precision", precision, "--threads", str(threads)),
    )


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
