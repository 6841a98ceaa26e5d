"""A private PostgreSQL server on loopback, which can be stopped and started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from bot.store.address import parsed

_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass(frozen=True, slots=True)
class Server:
    """``settings`` are the server's own, such as ``ssl=on``."""

    folder: Path
    port: int
    settings: Sequence[str] = ()

    @property
    def url(self) -> str:
        return f"postgresql://tokenwise@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        settings = (
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            f"unix_socket_directories={self.folder}",
            *self.settings,
        )
        options = " ".join(f"-c {setting}" for setting in settings)
        log = str(self.folder / "log")
        _run("pg_ctl", "start", *self._data, "--log", log, "--silent", "--wait", "--options", options)

    def stop(self) -> None:
        """Stop at once, as in a crash."""
        _run("pg_ctl", "stop", *self._data, "--mode", "immediate", "--silent")

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def _data(self) -> tuple[str, str]:
        return "--pgdata", str(self.folder / "data")


def _no_settings(_folder: Path) -> Sequence[str]:
    return ()


@contextmanager
def server(settings: Callable[[Path], Sequence[str]] = _no_settings) -> Iterator[Server | None]:
    """A running server with an empty database; None where PostgreSQL is not installed.

    ``settings`` returns the server's settings, and may write the files they name into its folder.
    """
    if not _PROGRAMS:
        yield None
        return
    folder = Path(tempfile.mkdtemp())
    give_to_postgres(folder)
    own = Server(folder, free_port(), settings(folder))
    try:
        _run("initdb", "--pgdata", str(folder / "data"), "--username", "tokenwise", "--auth", "trust")
        own.start()
        yield own
        own.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def terminate_others(url: str) -> int:
    """Terminate every other connection to this database, as an administrator may; return their number."""
    engine = parsed(url).engine()
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


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def give_to_postgres(*files: Path) -> None:
    """Give files that root created to the user that the server runs as."""
    if _is_root():
        for file in files:
            shutil.chown(file, "postgres")


def as_postgres(*command: str) -> list[str]:
    """``command`` as another user if this is root: PostgreSQL and PgBouncer refuse to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if _is_root() else list(command)


def _run(program: str, *arguments: str) -> None:
    command = as_postgres(str(_PROGRAMS[-1] / program), *arguments)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _is_root() -> bool:
    return os.geteuid() == 0
