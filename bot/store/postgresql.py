"""PostgreSQL: an address as libpq reads it, and connections that do not wait for ever.

The driver is psycopg, which is libpq: every parameter of an address means what it
means to psql and to everything else that is built on libpq.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, unquote

from psycopg import AsyncConnection, Error, OperationalError, waiting
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict, timeout_from_conninfo
from psycopg.pq import Conninfo, TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.store.backend import ENGINE_OPTIONS, PATIENCE, unusable
from bot.store.rehearsal import rehearse

_ESCAPED = "is not a database address (in a password, @ is %40, : is %3A, / is %2F, % is %25, a space %20)"
_NAME = re.compile(r"[^\s@:/?#%\[\]]+")
_WORD = re.compile(r"\w{1,40}", re.ASCII)

# How the server notices who is gone and said no farewell: a machine within half a minute, not two hours; and
# whoever leaves a transaction open, also behind PgBouncer, within ten seconds. Until then its locks are held.
_NOTICED = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
    "idle_in_transaction_session_timeout": "10s",
}
# For one transaction: PgBouncer refuses them before, and gives the connection to other programs after it.
_NOTICE = "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _NOTICED.items())


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """``parameters`` are libpq's."""

    parameters: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def driver(self) -> str:
        return "postgresql+psycopg"

    async def check(self) -> None:
        """InvalidSetting if libpq refuses a parameter, or a certificate that one names.

        It looks at most of them only when it connects.
        """
        if _or_default(self.parameters, "sslrootcert") == "system":
            _find_system_certificates()
        refused = await rehearse(self.parameters)
        if refused is not None:
            raise unusable(f"has parameters that cannot be used ({refused})")

    def exists(self) -> bool:
        return True  # as far as can be told without asking

    def engine(self) -> AsyncEngine:
        engine = create_async_engine(
            f"{self.driver}://",
            **ENGINE_OPTIONS,
            use_native_hstore=False,
            # Each statement sees what other processes have committed, whatever the server's own default.
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,  # a server that was restarted is no failure
            connect_args={"async_creator_fn": partial(_connect, self.parameters)},
        )
        event.listen(engine.sync_engine, "begin", _begin)
        return engine


def parsed(url: str) -> PostgreSQL:
    """InvalidSetting for what libpq cannot read, and for what it can read otherwise than it was meant."""
    if sys.platform == "win32":
        raise unusable("names a PostgreSQL server, which cannot be used on Windows")
    rest = url.partition("://")[2]
    user, _, place = rest.rpartition("@")
    if "@" in user or "/" in user:
        # libpq would take a part of a password for the name of a host or of a database.
        raise unusable(_ESCAPED)
    try:
        found = conninfo_to_dict(f"postgresql://{rest}")
    except (Error, UnicodeError):
        raise unusable(_misread(place) or _ESCAPED) from None
    try:
        timeout_from_conninfo(found)
    except Error:
        raise unusable("has a connect_timeout that is not a number of seconds") from None
    parameters = {name: str(value) for name, value in found.items()}
    _check_hosts(parameters)
    return PostgreSQL(parameters, tuple(dict.fromkeys(_secrets(rest, parameters))))


def _misread(place: str) -> str | None:
    """Names the first parameter that libpq does not know, or whose value it cannot tell from another one."""
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    for name, _, value in (pair.partition("=") for pair in place.partition("?")[2].split("&") if "=" in pair):
        if _WORD.fullmatch(name) and name not in known:
            return f"has the parameter {name}, which PostgreSQL's client library does not take"
        if name in known and "=" in value:
            return f"has = in the value of {name}, where it is %3D"
    return None


def _check_hosts(parameters: Mapping[str, str]) -> None:
    """As many ports as hosts, and each a port and a host; libpq finds that out one by one, as it connects."""
    hosts, addresses, ports = (
        parameters[name].split(",") if parameters.get(name) else [] for name in ("host", "hostaddr", "port")
    )
    places = max(len(hosts), len(addresses), 1)
    if (hosts and addresses and len(hosts) != len(addresses)) or len(ports) not in (0, 1, places):
        raise unusable("has more hosts than ports, or more ports than hosts")
    if not all(map(_is_port, ports)):
        raise unusable("has a port that is not a number from 1 to 65535")
    if not (all(map(_is_host, hosts)) and all(not one or _is_ip(one) for one in addresses)):
        raise unusable("has a host that cannot be one")


def _is_port(port: str) -> bool:
    return not port or (port.isascii() and port.isdigit() and len(port) <= 5 and 1 <= int(port) <= 65_535)


def _is_host(host: str) -> bool:
    """A name, an IP address, a socket's folder, or nothing for the usual one."""
    if not host or host.startswith("/") or _is_ip(host):
        return True
    try:
        return bool(_NAME.fullmatch(host) and host.encode("idna"))
    except UnicodeError:
        return False


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _secrets(rest: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """Passwords, wherever they are in the address (or the environment) and however they are written."""
    hidden = {option.keyword.decode() for option in Conninfo.get_defaults() if option.dispchar == b"*"}
    hidden |= {"scram_client_key", "scram_server_key"}
    user, _, place = rest.rpartition("@")
    pairs = [pair.partition("=") for pair in place.partition("?")[2].split("&")]
    written = [user.partition(":")[2], *(value for name, _, value in pairs if unquote(name) in hidden)]
    meant = [_or_default(parameters, name) for name in sorted(hidden)]
    for value in filter(None, (*meant, *map(unquote, written))):
        yield from (value, quote(value, safe=""))
    yield from filter(None, written)


def _find_system_certificates() -> None:
    """Tell libpq where they are: psycopg brings an OpenSSL of its own, which looks in a folder of its own."""
    here = ssl.get_default_verify_paths()
    if here.cafile is None and here.capath is None:
        raise unusable("asks for the system's certificates (sslrootcert=system), of which there are none")
    for variable, place in ((here.openssl_cafile_env, here.cafile), (here.openssl_capath_env, here.capath)):
        if place is not None:
            os.environ.setdefault(variable, place)


def _or_default(parameters: Mapping[str, str], name: str) -> str | None:
    """The parameter as it is given, or as the environment (``PGSSLROOTCERT`` …) has it for libpq."""
    if name in parameters:
        return parameters[name]
    default = next(option.val for option in Conninfo.get_defaults() if option.keyword.decode() == name)
    return None if default is None else default.decode()


class _Connection(AsyncConnection[TupleRow]):
    """One that is closed where the server does not answer in time, or its answer is not wanted any longer.

    psycopg would wait for ever, and once cancelled for 10 seconds until the server agrees.
    """

    #: Seconds.
    patience = PATIENCE

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's own
    ) -> RV:
        seconds = self.patience if timeout is None else timeout
        try:
            return await waiting.wait_async(gen, self.pgconn.socket, interval=interval, timeout=seconds)
        except BaseException as error:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
                if isinstance(error, Error):
                    raise OperationalError(f"no answer within {seconds:g} seconds") from error
            raise


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(_NOTICE)


async def _connect(parameters: Mapping[str, str], _nothing: str = "", **adapted: Any) -> _Connection:
    """To the first host that lets us in, each tried for PATIENCE if the address does not say how long.

    Nothing is prepared on the server: behind PgBouncer the next transaction may be on another connection.
    """
    seconds = PATIENCE
    if _or_default(parameters, "connect_timeout"):
        seconds = timeout_from_conninfo(dict(parameters))
    hosts = parameters.get("host", parameters.get("hostaddr", "")).split(",")
    given: dict[str, Any] = {**parameters, "connect_timeout": seconds, "client_encoding": "utf8", **adapted}
    # A name may have two addresses, and looking it up may hang as well.
    async with asyncio.timeout(seconds * max(2, len(hosts))):
        return await _Connection.connect(**given, prepare_threshold=None)
