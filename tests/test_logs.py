"""The log: one line per record, with its interaction, without anyone's text and without secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import discord
import pytest

from bot import logs

ROOT = Path(__file__).parents[1]
TOKEN = "aW50ZXJhY3Rpb246MTIz.canary-_x"  # noqa: S105
PROMPT = "London was"
FORMS: tuple[logs.Form, ...] = ("plain", "json")


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("bot.somewhere", logging.INFO, __file__, 1, message, args, exc_info)
    made.request = logs.request()
    return made


def raised(fail: Callable[[], object]) -> Exception:
    try:
        fail()
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


def lookup_of(text: str) -> object:
    known: dict[str, object] = {}
    try:
        return known[text]
    except KeyError as error:
        raise ValueError(f"no {text}") from error


def test_a_plain_line_has_level_interaction_and_logger() -> None:
    with logs.belonging_to("1234"):
        line = logs.formatter("plain").format(record("%d runs", 3))

    assert line.endswith("INFO    1234 bot.somewhere: 3 runs")


def test_json_is_one_object_per_line_with_the_record_s_fields() -> None:
    with logs.belonging_to("1234"):
        made = record("%d\nruns", 3)
        made.seconds = 0.25
        line = logs.formatter("json").format(made)

    logged = json.loads(line)
    assert "\n" not in line
    assert logged.pop("time")
    assert logged == {
        "level": "INFO",
        "logger": "bot.somewhere",
        "request": "1234",
        "message": "3\nruns",
        "seconds": 0.25,
    }


async def test_a_task_s_own_tasks_belong_to_the_same_interaction() -> None:
    async def inner() -> str:
        return logs.request()

    async def outer() -> str:
        logs.belongs_to("mine")
        return await asyncio.create_task(inner())

    before = logs.request()
    assert await asyncio.create_task(outer()) == "mine"
    assert logs.request() == before != "mine"


@pytest.mark.parametrize("form", FORMS)
def test_an_exception_appears_as_kind_and_place_without_its_text(form: logs.Form) -> None:
    error = raised(lambda: lookup_of(PROMPT))
    line = logs.formatter(form).format(record("failed", error=error))

    assert "London" not in line
    assert "ValueError" in line
    assert "KeyError" in line
    assert "in lookup_of" in line


@pytest.mark.parametrize("form", FORMS)
def test_another_formatter_s_traceback_is_not_used(form: logs.Form) -> None:
    made = record("failed", error=raised(lambda: lookup_of(PROMPT)))
    logging.Formatter().format(made)

    assert "London" not in logs.formatter(form).format(made)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["webhooks/42", "interactions/42"])
def test_the_token_in_a_url_is_blanked(form: logs.Form, place: str) -> None:
    address = f"https://discord.com/api/v10/{place}/{TOKEN}/messages/@original"
    line = logs.formatter(form).format(record("%s", aiohttp.ConnectionTimeoutError(f"to {address}")))

    assert "canary" not in line
    assert f"{place}/{logs.BLANK}/messages/@original" in line


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", ["hunter2!", 'hunter2"and\\more', "hunter2 für alle"])
def test_a_secret_is_blanked_anywhere(form: logs.Form, secret: str) -> None:
    line = logs.formatter(form, [secret]).format(record("it is %s", secret))

    assert "hunter2" not in line
    assert logs.BLANK in line


def test_an_error_is_named_with_its_distinguishing_numbers() -> None:
    assert logs.named(KeyError("London")) == "KeyError"
    assert logs.named(OSError(28, "No space left")) == "OSError (errno 28)"
    response = type("Response", (), {"status": 404, "reason": "Not Found"})()
    gone = discord.NotFound(response, {"code": 10008, "message": "London"})
    assert logs.named(gone) == "discord.errors.NotFound (status 404, code 10008)"


def test_a_cycle_of_exceptions_ends() -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first

    assert logs.traced(first).count("Traceback") == 2


def test_the_event_loop_s_errors_are_logged_without_arguments(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(logs.unhandled)
    loop.call_soon(lookup_of, PROMPT)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()

    (caught,) = caplog.records
    caught.request = logs.NO_REQUEST
    line = logs.formatter("plain").format(caught)
    assert "London" not in line
    assert "ValueError" in line


def test_debug_cannot_be_switched_on() -> None:
    script = (
        "import logging; from bot import logs; "
        "logs.configure(level='INFO', discord_level='INFO', form='json'); "
        "[logging.getLogger(n).setLevel('DEBUG') for n in ('', 'bot', 'discord', 'discord.http')]; "
        "logging.getLogger('discord.http').debug('a prompt'); "
        "logging.getLogger('bot.x').info('said')"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)

    assert [json.loads(line)["message"] for line in answer.stderr.splitlines()] == ["said"]
