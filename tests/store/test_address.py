"""DATABASE_URL: parameters mean what they mean to libpq, and no refusal quotes a value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidSetting
from bot.store.address import parsed
from bot.store.postgresql import PostgreSQL
from bot.store.sqlite import SQLite

ADDRESS = "it must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."


def parameters_of(url: str) -> dict[str, str]:
    address = parsed(url)
    assert isinstance(address, PostgreSQL)
    return dict(address.parameters)


def refusal_of(url: str) -> str:
    with pytest.raises(InvalidSetting) as refused:
        parsed(url)
    return refused.value.sentence


@pytest.mark.parametrize(
    ("url", "parameters"),
    [
        ("postgresql://u:p@h:1/d", {"user": "u", "password": "p", "host": "h", "port": "1", "dbname": "d"}),
        ("postgresql+asyncpg://u@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        ("postgresql+psycopg2://u@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        ("POSTGRES://u@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        ("postgresql://u:p%40s%3As%2F@h/d", {"user": "u", "password": "p@s:s/", "host": "h", "dbname": "d"}),
        ("postgresql://u:p:a#s?s,x@h/d", {"user": "u", "password": "p:a#s?s,x", "host": "h", "dbname": "d"}),
        ("postgresql://u@[::1]:5433/d", {"user": "u", "host": "::1", "port": "5433", "dbname": "d"}),
        ("postgresql://u@[fe80::1%25eth0]/d", {"user": "u", "host": "fe80::1%eth0", "dbname": "d"}),
        ("postgresql://u@/d?host=/var/run/pg", {"user": "u", "host": "/var/run/pg", "dbname": "d"}),
        ("postgresql://%2Fvar%2Frun%2Fpostgresql/d", {"host": "/var/run/postgresql", "dbname": "d"}),
        ("postgresql://u@a:1,b:2/d", {"user": "u", "host": "a,b", "port": "1,2", "dbname": "d"}),
        ("postgresql://u@a,b:5432/d", {"user": "u", "host": "a,b", "port": ",5432", "dbname": "d"}),
        ("postgresql://münchen.example/d", {"host": "münchen.example", "dbname": "d"}),
        ("postgresql://h/d?ssl=true", {"host": "h", "dbname": "d", "sslmode": "require"}),
        ("postgresql://", {}),
        (
            "postgres://u@h/d?sslmode=require&channel_binding=require&connect_timeout=10&application_name=a%20b",
            {
                "user": "u",
                "host": "h",
                "dbname": "d",
                "sslmode": "require",
                "channel_binding": "require",
                "connect_timeout": "10",
                "application_name": "a b",
            },
        ),
        (
            "postgres://h/d?options=-c%20search_path%3Dx&target_session_attrs=read-write",
            {
                "host": "h",
                "dbname": "d",
                "options": "-c search_path=x",
                "target_session_attrs": "read-write",
            },
        ),
    ],
)  # fmt: skip
def test_a_postgresql_url_is_read_by_libpq(url: str, parameters: dict[str, str]) -> None:
    assert parameters_of(url) == parameters


# What is between the user and the host is "kestrel", something that should be escaped, "osprey".
UNESCAPED = ("@", "/", ":", "%", "@:", "/:", ":@", "@/", "@?", "/?", "/@", "@[", "/1:", "%00", "%FF", "%zz")


@pytest.mark.parametrize("between", UNESCAPED)
@pytest.mark.parametrize("end", ["@host/db", "@host", "@host:5432/db?sslmode=require", "@/db", "@"])
def test_an_unescaped_password_is_refused_without_quoting_any_part(between: str, end: str) -> None:
    url = f"postgresql://tw:kestrel{between}osprey{end}"
    if between == ":":
        assert parameters_of(url)["password"] == "kestrel:osprey"  # noqa: S105
        return

    sentence = refusal_of(url)

    assert sentence.startswith("DATABASE_URL ")
    assert sentence.endswith(ADDRESS)
    assert not any(part in sentence for part in ("kestrel", "osprey", "tw", "db"))


@pytest.mark.parametrize("url", ["postgresql://tw:1234/osprey@host/db", "postgresql://tw:1234/osprey"])
def test_a_password_is_not_taken_for_a_port(url: str) -> None:
    if "@" in url:
        assert "osprey" not in refusal_of(url)
    else:  # this is a host and its port indeed
        assert parameters_of(url) == {"host": "tw", "port": "1234", "dbname": "osprey"}


@pytest.mark.parametrize(
    "url",
    [
        "osprey",
        "osprey.sqlite3",
        "://osprey",
        "mysql://tw:osprey@host/db",
        "jdbc:postgresql://tw:osprey@host/db",
        "http://osprey",
        "postgresql:osprey",
        "postgresql:/tw:osprey@host/db",
        "postgresql//tw:osprey@host/db",
        "host=h password=osprey",
        "postgresql://tw:osprey@host:port/db",
        "postgresql://tw:osprey@host:0/db",
        "postgresql://tw:osprey@host:99999/db",
        "postgresql://tw:osprey@host:-1/db",
        "postgresql://tw:osprey@host:5432:5433/db",
        "postgresql://tw:osprey@host:²/db",
        "postgresql://tw:osprey@a:1,b:2,c:3,d:x/db",
        "postgresql://tw:osprey@host/db?port=1,2",
        "postgresql://tw:osprey@host/db?hostaddr=127.0.0.1,127.0.0.2",
        "postgresql://tw:osprey@host/db?hostaddr=localhost",
        "postgresql://tw:osprey@[::1/db",
        "postgresql://tw:osprey@[::1]x/db",
        "postgresql://tw:osprey@[]/db",
        "postgresql://tw:osprey@ho st/db",
        "postgresql://tw:osprey@ho%20st/db",
        "postgresql://tw:osprey@host..name/db",
        f"postgresql://tw:osprey@{'a' * 64}/db",
        "postgresql://tw:os prey@host/db",
        "postgresql://tw:osprey@host/db?sslmode",
        "postgresql://tw:osprey@host/db?=require",
        "postgresql://tw:osprey@host/db?sslmode=a=b",
        "postgresql://tw:osprey@host/db?connect_timeout=soon",
        "postgresql://tw@host/db?pässword=osprey",
        "postgresql://tw:osprey\0@host/db",
        "postgresql://tw:osp\nrey@host/db",
        "postgresql://tw:osprey@host/db\r",
        "postgresql://tw:osprey\udcff@host/db",
        "sqlite:osprey",
        "sqlite://osprey",
        "sqlite://tw:osprey@/file",
        "sqlite://tw:osprey@host:port/file",
        "sqlite+pysqlcipher://:osprey@/file",
        "sqlite:///file?password=osprey",
        "sqlite:///file?timeout=osprey",
        "sqlite:///file?factory=osprey",
        "sqlite:///file?isolation_level=osprey",
        "sqlite:///os\0prey",
    ],
)
def test_an_invalid_url_gives_one_sentence_without_any_value(url: str) -> None:
    sentence = refusal_of(url)

    assert sentence.startswith("DATABASE_URL ")
    assert sentence.endswith(ADDRESS)
    assert "\n" not in sentence
    assert "osp" not in sentence
    assert len(sentence) < 250


def test_another_library_s_parameter_is_named() -> None:
    sentence = refusal_of("postgresql://u:p@h/d?sslmode=require&pgbouncer=true")

    assert "has the parameter pgbouncer, which PostgreSQL's client library does not take;" in sentence


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("options=-c statement_timeout=osprey", "has = in the value of options, where it is %3D; "),
        ("sslmode=require&application_name=a=b", "has = in the value of application_name, where it is %3D; "),
        ("connect_timeout=osprey", "has a connect_timeout that is not a number of seconds; "),
    ],
)
def test_a_value_that_cannot_be_read_is_named_by_its_parameter(parameters: str, said: str) -> None:
    sentence = refusal_of(f"postgresql://u:p@h/d?{parameters}")

    assert said in sentence
    assert "osprey" not in sentence


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("postgresql://u:osprey@h/d", {"osprey"}),
        ("postgresql://u:p%40ss@h/d", {"p@ss", "p%40ss"}),
        ("postgresql://u:%70@ss@h/d".replace("@s", "%40s"), {"p@ss", "p%40ss", "%70%40ss"}),
        ("postgresql://h/d?user=u&password=osp%20rey", {"osp rey", "osp%20rey"}),
        ("postgresql://u:one@h/d?password=two&password=three", {"one", "two", "three"}),
        ("postgresql://u@h/d?p%61ssword=osprey", {"osprey"}),
        ("postgresql://u@h/d?sslkey=/k&sslpassword=osprey", {"osprey"}),
        ("postgresql://u@h/d?oauth_client_secret=osprey", {"osprey"}),
        ("postgresql://u@h/d", set()),
        ("sqlite:///file", set()),
    ],
)
def test_secrets_are_known_in_every_spelling(url: str, secrets: set[str]) -> None:
    assert set(parsed(url).secrets) == secrets


def test_a_password_in_the_environment_is_a_secret_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "osprey")

    assert parsed("postgresql://u@h/d").secrets == ("osprey",)


def test_no_secret_is_in_a_repr() -> None:
    address = parsed("postgresql://u:osprey@h/d?sslpassword=kestrel")

    assert "osprey" not in repr(address)
    assert "osprey" not in repr(address.engine())
    assert "kestrel" not in repr(address) + repr(address.engine())


# Everything with a meaning in a URL, and everything that surprises parsers.
_PIECES = st.text(st.sampled_from("@:/?#[]%&=+,;!*'\"\\ .-~0a\t\né😀"), max_size=4)


@given(_PIECES, _PIECES, _PIECES, st.sampled_from(["@host/db", "@host:5432/db?sslmode=require", "@/db", "@"]))
def test_no_part_of_a_password_is_read_as_another_field(
    first: str, second: str, third: str, end: str
) -> None:
    url = f"postgresql://tw:{first}kestrel{second}osprey{third}{end}"
    try:
        address = parsed(url)
    except InvalidSetting as error:
        refused = error.sentence
    else:
        refused = ""
    assert not any(part in refused for part in ("kestrel", "osprey"))
    if refused:
        return

    assert isinstance(address, PostgreSQL)
    assert "kestrel" in address.parameters["password"]
    assert "osprey" in address.parameters["password"]
    assert address.parameters["password"] in address.secrets
    others = [value for name, value in address.parameters.items() if name != "password"]
    assert not any("kestrel" in value or "osprey" in value for value in others)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_sqlite_may_be_in_memory(url: str) -> None:
    address = parsed(url)

    assert isinstance(address, SQLite)
    assert address.file is None


def test_sqlite_may_be_a_file_and_wait_longer() -> None:
    address = parsed("sqlite+pysqlite:////srv/a file.sqlite3?timeout=5")

    assert isinstance(address, SQLite)
    assert address.driver == "sqlite+aiosqlite"
    assert address.file == Path("/srv/a file.sqlite3")


def test_postgresql_cannot_be_used_where_its_driver_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    assert "cannot be used on Windows" in refusal_of("postgresql://u:osprey@h/d")
