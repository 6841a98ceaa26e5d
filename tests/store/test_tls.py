"""TLS to a real PostgreSQL: sslmode and its certificates mean what they mean to libpq."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from bot.errors import InvalidSetting, StoreUnavailable
from bot.store.database import opened
from tests.promises.postgresql import server
from tests.support.servers import Authority, tls_settings

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")


@dataclass(frozen=True)
class Secure:
    """A server whose certificate ``trusted`` has signed for localhost; its ``socket`` is in that folder."""

    port: int
    socket: Path
    trusted: Authority
    other: Authority

    def url(self, *parameters: str, host: str = "localhost") -> str:
        return f"postgresql://tokenwise@{host}:{self.port}/postgres?" + "&".join(parameters)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("certificates")
    trusted, other = Authority.made(folder, "trusted"), Authority.made(folder, "other")
    with server(lambda its: tls_settings(its, trusted)) as own:
        if own is None:
            pytest.skip("PostgreSQL is not installed")
        yield Secure(own.port, own.folder, trusted, other)


@pytest.fixture(autouse=True)
def nobody_s_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """libpq finds certificates in ~/.postgresql."""
    monkeypatch.setenv("HOME", str(tmp_path))


async def is_encrypted(url: str) -> bool:
    async with opened(url) as database, database.transaction() as connection:
        return bool(await connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")))


async def refusal_of(url: str) -> str:
    """The reason in the log why there is no connection."""
    with pytest.raises(StoreUnavailable) as failure:
        await is_encrypted(url)
    return failure.value.detail


@pytest.mark.parametrize(
    ("parameters", "encrypted"),
    [
        ((), True),
        (("sslmode=disable",), False),
        (("sslmode=allow",), False),
        (("sslmode=prefer",), True),
        (("sslmode=require",), True),
        (("ssl=true",), True),
        (("sslmode=require", "sslnegotiation=postgres", "ssl_min_protocol_version=TLSv1.3"), True),
        (("sslmode=require", "connect_timeout=10", "application_name=tokenwise", "gssencmode=disable"), True),
    ],
)
async def test_the_mode_decides_whether_it_is_encrypted(
    secure: Secure, parameters: tuple[str, ...], encrypted: bool
) -> None:
    assert await is_encrypted(secure.url(*parameters)) is encrypted


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_the_right_root_certificate_is_accepted(secure: Secure, mode: str) -> None:
    assert await is_encrypted(secure.url(f"sslmode={mode}", f"sslrootcert={secure.trusted.root}"))


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_a_wrong_root_certificate_is_refused(secure: Secure, mode: str) -> None:
    detail = await refusal_of(secure.url(f"sslmode={mode}", f"sslrootcert={secure.other.root}"))

    assert "certificate verify failed" in detail


async def test_only_verify_full_checks_the_name(secure: Secure) -> None:
    root = f"sslrootcert={secure.trusted.root}"

    assert await is_encrypted(secure.url("sslmode=verify-ca", root, host="127.0.0.1"))
    detail = await refusal_of(secure.url("sslmode=verify-full", root, host="127.0.0.1"))
    assert 'does not match host name "127.0.0.1"' in detail


@pytest.fixture
def system_has(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | None, Path | None], None]:
    """Sets where the system's certificates are: in this file, in this folder."""
    paths = ssl.get_default_verify_paths()._asdict()

    def has(file: Path | None, folder: Path | None) -> None:
        for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.setenv(variable, "")  # so that its value is restored after the test
            monkeypatch.delenv(variable)
        found = SimpleNamespace(**{**paths, "cafile": file and str(file), "capath": folder and str(folder)})
        monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: found)

    return has


async def test_the_system_s_certificates_are_used(
    secure: Secure, system_has: Callable[[Path | None, Path | None], None], tmp_path: Path
) -> None:
    """In a file or, as on Debian, in a folder; psycopg's own OpenSSL looks in neither."""
    url = secure.url("sslrootcert=system")

    system_has(secure.trusted.root, None)
    assert await is_encrypted(url)
    assert "does not match host name" in await refusal_of(secure.url("sslrootcert=system", host="127.0.0.1"))
    system_has(None, secure.trusted.hashed(tmp_path / "hashed"))
    assert await is_encrypted(url)
    system_has(secure.other.root, None)
    assert "certificate verify failed" in await refusal_of(url)
    system_has(None, None)
    assert "of which there are none" in await start_refused(url)


async def test_a_client_certificate_is_sent(secure: Secure, tmp_path: Path) -> None:
    certificate, key = secure.trusted.sign(tmp_path, "tokenwise")
    url = secure.url("sslmode=require", f"sslcert={certificate}", f"sslkey={key}")

    async with opened(url) as database, database.transaction() as connection:
        subject = await connection.scalar(
            text("SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        )
    assert subject == "/CN=tokenwise"


async def show(url: str, setting: str) -> object:
    """Whether the server encrypts this connection."""
    async with opened(url) as database, database.transaction() as connection:
        return await connection.scalar(text(f"SHOW {setting}"))


async def test_a_unix_socket_works(secure: Secure) -> None:
    url = f"postgresql://tokenwise@/postgres?host={secure.socket}&port={secure.port}&sslmode=disable"

    assert await show(url, "server_encoding") == "UTF8"


async def test_other_parameters_reach_the_server(secure: Secure) -> None:
    url = secure.url("application_name=a%20name", "options=-c%20lock_timeout%3D1234%20-c%20work_mem%3D1MB")

    assert await show(url, "application_name") == "a name"
    assert await show(url, "lock_timeout") == "1234ms"
    assert await show(url, "work_mem") == "1MB"


async def test_of_several_hosts_a_working_one_is_chosen(secure: Secure) -> None:
    hosts = f"localhost:1,127.0.0.1:{secure.port}"

    url = f"postgresql://tokenwise@{hosts}/postgres?target_session_attrs=read-write&sslmode=require"
    assert await is_encrypted(url)
    standby = f"postgresql://tokenwise@{hosts}/postgres?target_session_attrs=standby"
    assert "not in hot standby mode" in await refusal_of(standby)


async def test_a_password_may_be_in_a_file(secure: Secure, tmp_path: Path) -> None:
    """The server asks for none here; libpq reads the file, and complains about one that others may read."""
    file = tmp_path / "pgpass"
    file.write_text("*:*:*:*:osprey\n")
    file.chmod(0o600)

    assert await is_encrypted(secure.url(f"passfile={file}"))


async def start_refused(url: str) -> str:
    with pytest.raises(InvalidSetting) as refused:
        async with opened(url):
            pass
    return refused.value.sentence


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (("sslmode=osprey",), "invalid sslmode value: …"),
        (("sslmode=verify-full",), "root certificate file … does not exist"),
        (("sslmode=verify-ca", "sslrootcert=/osprey"), "root certificate file … does not exist"),
        (("sslmode=verify-ca", "sslrootcert={none}"), "could not read root certificate file …"),
        (("sslmode=require", "sslrootcert=system"), "weak sslmode … may not be used with sslrootcert=system"),
        (("sslmode=require", "sslcert={none}"), "could not read certificate file …"),
        (("sslmode=require", "sslcert=/osprey/crt"), "sslcert names a file that cannot be read"),
        (("sslmode=require", "sslkey=/osprey/key"), "sslkey names a file that cannot be read"),
        (("sslmode=require", "sslcrl=/osprey/crl"), "sslcrl names a file that cannot be read"),
        (("sslmode=require", "sslcert={root}"), "certificate present, but not private key file"),
        (("sslmode=require", "sslcert={root}", "sslkey={open}"), "has group or world access"),
        (("sslnegotiation=direct",), "weak sslmode … may not be used with sslnegotiation=direct"),
        (("ssl_min_protocol_version=osprey",), 'invalid "ssl_min_protocol_version" value: …'),
        (("ssl_min_protocol_version=TLSv1.3", "ssl_max_protocol_version=TLSv1.2"), "protocol version range"),
        (("channel_binding=osprey",), "invalid channel_binding value"),
        (("gssencmode=osprey",), "invalid gssencmode value"),
        (("target_session_attrs=osprey",), "invalid target_session_attrs value"),
        (("load_balance_hosts=osprey",), "invalid load_balance_hosts value"),
        (("require_auth=scram-sha-256,osprey",), "invalid require_auth value"),
        (("keepalives=osprey",), 'invalid integer value … for connection option "keepalives"'),
        (("tcp_user_timeout=osprey",), 'invalid integer value … for connection option "tcp_user_timeout"'),
        (("service=osprey",), "definition of service … not found"),
        (("scram_client_key=osprey",), "invalid SCRAM client key"),
    ],
)
async def test_a_permanent_error_of_libpq_is_one_sentence_at_the_start(
    secure: Secure, tmp_path: Path, parameters: tuple[str, ...], said: str
) -> None:
    files = {"none": tmp_path / "osprey", "open": tmp_path / "osprey.key", "root": secure.trusted.root}
    files["none"].write_text("no certificate")
    files["open"].write_bytes(secure.trusted.key.read_bytes())
    files["open"].chmod(0o644)

    sentence = await start_refused(secure.url(*(one.format(**files) for one in parameters)))

    assert said in sentence
    assert sentence.startswith("DATABASE_URL has parameters that cannot be used (")
    assert "osprey" not in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("parameter", ["sslmode=verify-full", "sslrootcert=/nowhere"])
async def test_a_unix_socket_needs_no_certificate(parameter: str, tmp_path: Path) -> None:
    async with opened(f"postgresql://u@/d?host={tmp_path}&{parameter}") as database:
        with pytest.raises(StoreUnavailable):
            async with database.transaction():
                pass


@pytest.mark.parametrize("where", ["host=/nowhere", "host=localhost", "host=a.invalid,b.invalid", ""])
async def test_a_wrong_mode_is_refused_with_any_server(where: str) -> None:
    assert "invalid sslmode value" in await start_refused(f"postgresql://u@/d?sslmode=wrong&{where}")


async def test_the_bot_starts_without_a_reachable_server(secure: Secure) -> None:
    url = f"postgresql://u@localhost:1/d?sslmode=verify-full&sslrootcert={secure.trusted.root}"
    async with opened(url) as database:
        with pytest.raises(StoreUnavailable, match="can't reach my database"):
            async with database.transaction():
                pass
