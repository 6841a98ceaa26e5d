"""A PostgreSQL server of one's own on loopback, to be stopped and started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.database import parsed

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass(frozen=True, slots=True)
class Server:
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://tokenwise@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={self.folder}"
        )
        log = str(self.folder / "log")
        _run("pg_ctl", "start", *self._data, "--log", log, "--silent", "--wait", "--options", options)

    def stop(self) -> None:
        """At once, as if it had crashed."""
        _run("pg_ctl", "stop", *self._data, "--mode", "immediate", "--silent")

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def _data(self) -> tuple[str, str]:
        return "--pgdata", str(self.folder / "data")


@contextmanager
def server() -> Iterator[Server | None]:
    """An empty one, running; None where PostgreSQL is not installed."""
    if not _PROGRAMS:
        yield None
        return
    folder = Path(tempfile.mkdtemp())
    if _is_root():
        shutil.chown(folder, "postgres")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    own = Server(folder, port)
    try:
        _run("initdb", "--pgdata", str(folder / "data"), "--username", "tokenwise", "--auth", "trust")
        own.start()
        yield own
        own.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def terminate_others(url: str) -> int:
    """End every other connection to this database, as an administrator may; how many there were."""
    engine = create_async_engine(parsed(url))
    try:
        async with engine.connect() as connection:
            ended = await connection.scalar(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            )
        return int(ended or 0)
    finally:
        await engine.dispose()


def _run(program: str, *arguments: str) -> None:
    # PostgreSQL refuses to run as root.
    somebody = ["runuser", "-u", "postgres", "--"] if _is_root() else []
    command = [*somebody, str(_PROGRAMS[-1] / program), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _is_root() -> bool:
    return os.geteuid() == 0
