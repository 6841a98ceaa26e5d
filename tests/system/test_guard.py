"""Errors before the bot runs reveal no values, least of all a password."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import __main__ as command_line
from bot import logs
from bot.settings import Settings
from bot.system.guard import guard
from tests.support.guarding import PARTS, guarded, has_a_part, put_back

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    status: int
    output: str


async def _fail_with_everything(_options: object, settings: Settings, _environment: object) -> NoReturn:
    """Stand in for the bot: raise an error that quotes the URL while handling another."""
    logging.getLogger("somebody.else").warning("connecting to %s", settings.database_url)
    try:
        raise KeyError(settings.database_url)
    except KeyError:
        raise RuntimeError(f"cannot connect to {settings.database_url}") from None


def said_by_main(url: str, *arguments: str) -> Said:
    output = io.StringIO()
    with put_back() as patch, redirect_stderr(output), redirect_stdout(output):
        patch.setattr(os, "environ", {"DATABASE_URL": url})
        patch.setattr(command_line, "_run", _fail_with_everything)
        status = command_line.main(arguments)
    return Said(status, output.getvalue())


_PIECES = st.text(st.sampled_from("@:/?#[]%&=+,;!*'\"\\{}$ .-~0a\t\n\0é😀\udcff"), max_size=4)
_SCHEMES = st.sampled_from(
    [
        "postgresql://",
        "postgres://",
        "postgresql+asyncpg://",
        "mysql://",
        "sqlite://",
        "postgresql:/",
        "",
        "://",
    ]
)
_ENDS = st.sampled_from(
    ["@host/db", "@host:5432/db?sslmode=require", "@[::1]/db", "@host:port/db", "@/", "@"]
)


@given(_SCHEMES, _PIECES, _PIECES, _PIECES, _ENDS)
def test_no_mistake_in_a_url_reveals_a_part_of_its_password(
    scheme: str, first: str, second: str, third: str, end: str
) -> None:
    said = said_by_main(f"{scheme}tw:{first}kestrel{second}osprey{third}{end}")

    assert not has_a_part(said.output), said.output
    if said.status == 2:
        assert said.output.count("\n") == 1
        assert said.output.startswith("DATABASE_URL ")
    else:
        assert said.status == 1
        assert "a fault of its own" in said.output


@pytest.mark.parametrize("name", ["password", "sslpassword", "p%61ssword"])
def test_a_password_among_the_parameters_stays_hidden(name: str) -> None:
    said = said_by_main(f"postgresql://tw@host/db?{name}=kestrel-osprey")

    assert said.status == 1
    assert "connecting to postgresql://tw@host/db" in said.output
    assert not has_a_part(said.output)


def test_a_fault_while_reading_settings_is_reported_without_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Settings, "from_env", fail)
    said = said_by_main("postgresql://tw:kestrel@host/db")

    assert said.status == 1
    assert "ValueError" in said.output
    assert "in fail" in said.output
    assert not has_a_part(said.output)


def test_a_malformed_line_of_the_settings_file_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("'kestrel osprey\nDATABASE_URL=\"postgresql://tw:kestrel\n")
    said = said_by_main("", "--env", str(file))

    assert "line 1" in said.output
    assert not has_a_part(said.output)


@pytest.mark.parametrize(
    "arguments",
    [
        ["DATABASE_URL=postgresql://tw:kestrel@host/db"],
        ["kestrel"],
        ["it's kestrel"],
        ["--kestrel"],
        ["--p=kestrel"],
        ["--no-browser=kestrel"],
        ["--port", "kestrel"],
        ["--port", "osprey's"],
        ["--database-url", "postgresql://tw:kestrel@host/db"],
    ],
)
def test_misplaced_arguments_are_not_repeated(arguments: Sequence[str]) -> None:
    output = io.StringIO()
    with put_back(), redirect_stderr(output), pytest.raises(SystemExit) as ended:
        command_line.main(arguments)

    assert ended.value.code == 2
    assert "error: " in output.getvalue()
    assert not has_a_part(output.getvalue())


def test_what_follows_a_whole_command_is_not_repeated() -> None:
    output = io.StringIO()
    with put_back(), redirect_stderr(output):
        status = command_line.main(["try", "/decode ids:1", "kestrel"])

    assert status == 2
    assert "in quotation marks" in output.getvalue()
    assert not has_a_part(output.getvalue())


def fail(*_: object) -> NoReturn:
    raise ValueError(PARTS)  # not a literal: a traceback shows the line


class Fails:
    def __del__(self) -> None:
        fail()

    def __repr__(self) -> str:
        return "osprey"


def warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        guard()  # pytest's own catching of warnings would hide it
        warnings.warn(PARTS[0], RuntimeWarning, stacklevel=1)


def in_a_thread() -> None:
    thread = threading.Thread(target=fail, name="osprey")
    thread.start()
    thread.join()


def uncaught() -> None:
    try:
        fail()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)


def wrongly_logged() -> None:
    (handler,) = (one for one in logging.getLogger().handlers if isinstance(one, logs.Handler))
    handler.handle(logging.LogRecord("bot.somewhere", logging.ERROR, __file__, 1, "%d", PARTS[:1], None))


def unraisable() -> None:
    Fails()


@pytest.mark.parametrize(
    ("happens", "kind"),
    [
        (warn, "RuntimeWarning"),
        (in_a_thread, "ValueError"),
        (uncaught, "ValueError"),
        (wrongly_logged, "TypeError"),
        (unraisable, "ValueError"),
    ],
)
def test_python_s_own_reports_name_the_kind_of_error_and_nothing_else(
    happens: Callable[[], None], kind: str
) -> None:
    with guarded() as output:
        happens()

    assert not has_a_part(output.getvalue())
    assert kind in output.getvalue()


def test_a_thread_that_exits_on_purpose_is_not_reported() -> None:
    with guarded() as output:
        thread = threading.Thread(target=sys.exit)
        thread.start()
        thread.join()

    assert output.getvalue() == ""


def test_reconfiguring_the_log_replaces_the_handler() -> None:
    with guarded() as output:
        logs.configure(
            level="INFO", discord_level="INFO", form="plain", secrets=["kestrel", "kestrel-osprey"]
        )
        logging.getLogger("bot.somewhere").info("it is kestrel-osprey")

    assert output.getvalue().endswith(f"it is {logs.BLANK}\n")
    assert output.getvalue().count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://tw:kestrel@osprey:w0rd@host/db", "is not a database address"),
        ("postgresql://tw:kes%rel%osprey@host/db", "is not a database address"),
        ("postgresql://tw:osprey@host:kestrel/db", "has a port that is not a number"),
        (
            "postgresql://tw:osprey@host/db?sslmode=kestrel",
            "has parameters that cannot be used (invalid sslmode",
        ),
        ("postgresql://tw:osprey@host/db?kestrel", "is not a database address"),
    ],
)
def test_the_bot_process_ends_with_one_sentence(url: str, problem: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DISCORD_TOKEN": "",
        "MODEL": "",
        "DATABASE_URL": url,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-W", "ignore", "-m", "bot", "try", "/decode ids:1"]
    answer = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )

    assert answer.returncode == 2
    assert answer.stderr.startswith(f"DATABASE_URL {problem}")
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""
    assert not has_a_part(answer.stderr)
