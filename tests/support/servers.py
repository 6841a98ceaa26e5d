"""PostgreSQL as found in production: with TLS, behind PgBouncer, and unresponsive."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.promises.postgresql import as_postgres, free_port, give_to_postgres

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority; ``root`` is its own certificate."""

    root: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, name: str) -> Authority:
        own = cls(folder / f"{name}.crt", folder / f"{name}.key")
        _openssl("req", "-x509", *_NEW_KEY, "-subj", f"/CN={name}", "-keyout", own.key, "-out", own.root)
        return own

    def hashed(self, folder: Path) -> Path:
        """Make ``folder`` a certificate directory, as OpenSSL reads it, with the root in it."""
        folder.mkdir()
        shutil.copy(self.root, folder)
        _openssl("rehash", folder)
        return folder

    def sign(self, folder: Path, subject: str, *names: str) -> tuple[Path, Path]:
        """A certificate for ``subject``, valid for the ``names`` (such as ``DNS:localhost``), and its key."""
        certificate, key = folder / f"{subject}.crt", folder / f"{subject}.key"
        valid_for = ("-addext", "subjectAltName=" + ",".join(names)) if names else ()
        by = ("-CA", self.root, "-CAkey", self.key)
        _openssl(
            "req", "-x509", *by, *_NEW_KEY, "-subj", f"/CN={subject}", *valid_for,
            "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate,
        )  # fmt: skip
        key.chmod(0o600)
        return certificate, key


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


def _openssl(*arguments: str | Path) -> None:
    command = ["openssl", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def tls_settings(folder: Path, authority: Authority) -> Sequence[str]:
    """The settings of a server in ``folder`` with a certificate for localhost, but not for 127.0.0.1.

    It accepts client certificates of the same authority.
    """
    certificate, key = authority.sign(folder, "server", "DNS:localhost")
    root = folder / "clients.crt"
    shutil.copy(authority.root, root)
    give_to_postgres(certificate, key, root)
    return ("ssl=on", f"ssl_cert_file={certificate}", f"ssl_key_file={key}", f"ssl_ca_file={root}")


@contextmanager
def pgbouncer(server: str) -> Iterator[str]:
    """Run PgBouncer in transaction mode in front of ``server`` (``host:port``); yield its URL."""
    host, server_port = server.split(":")
    port = free_port()
    lines = (
        "[databases]",
        f"* = host={host} port={server_port} user=tokenwise",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        "pool_mode = transaction",
        "default_pool_size = 2",
    )
    with tempfile.TemporaryDirectory() as name:  # not pytest's, which only its own user may enter
        folder = Path(name)
        file, log = folder / "pgbouncer.ini", folder / "log"
        file.write_text("\n".join(lines) + "\n")
        give_to_postgres(folder, file)
        command = as_postgres(str(PGBOUNCER), str(file))
        with (
            log.open("wb") as output,
            subprocess.Popen(command, stdout=output, stderr=output, cwd="/") as process,
        ):
            try:
                _wait_for(port, process, log)
                yield f"postgresql://tokenwise@127.0.0.1:{port}/postgres"
            finally:
                process.terminate()
                process.wait(_PATIENCE)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError(f"PgBouncer does not listen:\n{log.read_text()}")


class Relay:
    """A relay to a server that, once ``cut``, keeps its connections open but passes nothing on."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        self._open.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen on a free port, and yield it."""
        listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._server)
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._carry(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            try:
                while carried := await source.read(65_536):
                    await self._open.wait()
                    sink.write(carried)
                    await sink.drain()
            finally:
                sink.close()
