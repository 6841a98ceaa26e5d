"""The command line: what it refuses, and that it says why in one sentence."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bot.settings import DEMO_MODEL
from bot.store.migrations import NEWEST
from tests.fakes.discord.addresses import GATEWAY, REST
from tests.fakes.hub import Answer, running
from tests.support.processes import PROC, first_child, is_alive

ROOT = Path(__file__).parents[1]
NO_WORDS = (
    "BLOCKED_WORDS_FILE is '/nowhere' (No such file or directory); "
    "it must be a UTF-8 text file with one word or phrase a line."
)


def run(*arguments: str, module: str = "bot", **environment: str) -> subprocess.CompletedProcess[str]:
    """``python -m bot`` in a fresh process, with no settings but ``environment``."""
    settings = {"DISCORD_TOKEN": "", "MODEL": ""} | environment
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="finds the worker by Linux' list of processes")
@pytest.mark.parametrize(
    ("number", "arguments", "status"),
    [
        (signal.SIGTERM, ["--no-browser"], 0),
        (signal.SIGINT, ["try", "/complete prompt:x max_tokens:256"], 130),
        (signal.SIGTERM, ["try", "/complete prompt:x max_tokens:256"], 143),
    ],
)
def test_a_signal_while_it_loads_ends_it_in_order(
    number: signal.Signals, arguments: list[str], status: int
) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "bot", *arguments]
    environment = {**os.environ, "DISCORD_TOKEN": "", "MODEL": ""}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        worker = first_child(process.pid)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)

    assert b"Traceback" not in errors, errors.decode()
    assert process.returncode == status
    assert not is_alive(worker)


INTERRUPTED_WHILE_IT_IMPORTS = """
import runpy, signal, sys

class Finder:
    def find_spec(name, *_):
        if name == "bot.launch":
            signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal
sys.meta_path.insert(0, Finder)
runpy.run_module("bot", run_name="__main__")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no exit status for a signal")
def test_an_interrupt_while_it_imports_ends_it_without_a_traceback() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INTERRUPTED_WHILE_IT_IMPORTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.stderr == ""
    assert ended.returncode == -signal.SIGINT


CANCELLED_FROM_WITHIN = """
import asyncio, sys
from bot import __main__ as bot

async def serve(*_):
    raise asyncio.CancelledError

bot._serve = serve
sys.exit(bot.main([]))
"""


@pytest.mark.slow
def test_being_cancelled_by_anything_but_a_signal_is_a_fault() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CANCELLED_FROM_WITHIN],
        cwd=ROOT,
        env={**os.environ, "DISCORD_TOKEN": "", "MODEL": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr == "The bot stopped unexpectedly: its work was cancelled. Restart it.\n"


@pytest.mark.slow
def test_help_tells_of_the_playground_and_of_try() -> None:
    answer = run("--help")

    assert answer.returncode == 0
    assert "playground" in answer.stdout
    assert "try" in answer.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"BATCH_SIZE": "many"}, "BATCH_SIZE is 'many'; it must be a whole number from 1 to 64."),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud'; it must be one of INFO, WARNING, ERROR."),
        ({"BLOCKED_WORDS_FILE": "/nowhere"}, NO_WORDS),
        ({"MODEL": "/nowhere"}, "MODEL=/nowhere cannot be used: there is no such folder."),
        ({"MODEL": __file__}, f"MODEL={__file__} cannot be used: there is no such folder."),
    ],
)
def test_an_unusable_setting_ends_with_status_2_and_one_sentence(
    environment: dict[str, str], named: str
) -> None:
    answer = run("try", "/decode ids:1", **environment)

    assert answer.returncode == 2
    assert answer.stderr.splitlines()[-1] == named
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
def test_a_settings_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "my.env"
    missing = run("--env", str(file))
    file.write_bytes("QUEUE_SIZE=1".encode("utf-16"))
    no_text = run("--env", str(file))

    assert (missing.returncode, no_text.returncode) == (2, 2)
    assert missing.stderr == f"The settings file {file} cannot be used: there is no such file.\n"
    assert no_text.stderr == f"The settings file {file} cannot be used: it is not UTF-8 text.\n"


@pytest.mark.slow
def test_a_folder_in_the_place_of_the_settings_file_does_not_open_the_playground(tmp_path: Path) -> None:
    answer = run("--env", str(tmp_path))

    assert answer.returncode == 2
    assert answer.stderr == (
        f"The settings file {tmp_path} cannot be used: it is a folder; "
        "Docker creates one if the file to mount is missing.\n"
    )
    assert answer.stdout == ""


@pytest.mark.slow
def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run("--no-browser", "--port", str(port))

    assert answer.returncode == 2
    assert answer.stderr.splitlines()[-1].startswith(f"Port {port} is in use")


@pytest.mark.slow
@pytest.mark.parametrize("port", ["9" * 5_000, "65536", "x"])
def test_what_is_no_port_is_told_in_short(port: str) -> None:
    answer = run("--port", port)

    assert answer.returncode == 2
    *_, sentence = answer.stderr.splitlines()
    assert "is not a port: it must be from 0 to 65535" in sentence
    assert len(sentence) < 200


@pytest.mark.slow
def test_no_folder_for_pictures_is_not_the_current_one() -> None:
    answer = run("try", "--picture=", "/tokens text:x")

    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.splitlines()[-1].endswith("--picture: it names no folder")


@pytest.mark.slow
def test_a_port_for_metrics_that_is_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"MODEL": DEMO_MODEL, "DATABASE_URL": "sqlite://", "METRICS_PORT": str(port)}
        answer = run(DISCORD_TOKEN="a.b.c", **environment)  # noqa: S106

    assert answer.returncode == 2
    assert answer.stderr.splitlines()[-1] == (
        f"METRICS_PORT is {port}, which is in use on 127.0.0.1; it must be a free port, or empty."
    )


@pytest.mark.slow
def test_a_discord_that_cannot_be_reached_is_no_setting_to_be_corrected() -> None:
    nowhere = {REST: "http://127.0.0.1:1/api/v10", GATEWAY: "ws://127.0.0.1:1/"}
    settings = {"DISCORD_TOKEN": "a.b.c", "MODEL": DEMO_MODEL, "DATABASE_URL": "sqlite://"}
    answer = run(module="tests.fakes.discord.launch", **nowhere, **settings)

    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith("Discord cannot be reached")


@pytest.mark.slow
def test_a_model_that_cannot_be_fetched_now_is_no_setting_to_be_corrected(tmp_path: Path) -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    answer = run("try", "/next prompt:Hello", MODEL="someone/no-such-model", **nowhere)

    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].endswith("the Hugging Face Hub cannot be reached.")


@pytest.mark.slow
def test_a_model_of_which_the_hub_has_sent_only_a_part_is_no_setting_to_be_corrected(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--someone--tiny"
    snapshot, refs = repository / "snapshots" / ("0" * 40), repository / "refs"
    snapshot.mkdir(parents=True)
    refs.mkdir()
    (refs / "main").write_text("0" * 40, encoding="utf-8")
    (snapshot / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    answer = run("try", "/next prompt:Hello", MODEL="someone/tiny", **nowhere)

    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1] == (
        "MODEL=someone/tiny cannot be used: it could not be downloaded completely, "
        "as the Hugging Face Hub cannot be reached."
    )


@pytest.mark.slow
def test_an_expired_access_token_is_a_setting_to_be_corrected(tmp_path: Path) -> None:
    refused = Answer(401, headers={"X-Error-Message": 'User Access Token "x" is expired'})
    with running({}) as hub:
        hub.instead = lambda _: refused
        there = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_TOKEN": "hf_old0123456789"}
        answer = run("try", "/next prompt:Hello", MODEL="someone/tiny", **there)

    assert answer.returncode == 2
    assert answer.stderr.splitlines()[-1] == (
        "MODEL=someone/tiny cannot be used: "
        "the Hugging Face Hub does not accept the access token: renew or remove HF_TOKEN."
    )


@pytest.mark.slow
def test_what_the_settings_file_says_of_the_hub_reaches_it(tmp_path: Path) -> None:
    with running({}) as hub:
        settings = {"MODEL": "someone/tiny", "HF_TOKEN": "hf_mine0123456789", "HF_ENDPOINT": hub.url}
        settings |= {"HF_HOME": str(tmp_path / "home"), "HTTPS_PROXY": ""}
        file = tmp_path / "my.env"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
        command = [sys.executable, "-W", "ignore", "-m", "bot", "--env", str(file), "try", "/next prompt:x"]
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        answer = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, check=False)

    assert answer.returncode == 2
    assert "does not accept the access token" not in answer.stderr
    assert "hf_mine" not in answer.stderr
    assert hub.tokens == {"Bearer hf_mine0123456789"}


@pytest.mark.slow
def test_a_simulated_discord_needs_no_token_and_no_large_model() -> None:
    assert run("try", "/decode ids:40313", DISCORD_TOKEN="a.b.c").returncode == 0  # noqa: S106


@pytest.mark.slow
def test_a_settings_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("QUEUE_SIZE=0")
    answer = run("--env", str(file))

    assert answer.returncode == 2
    assert "QUEUE_SIZE is '0'" in answer.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "sentence", "status"),
    [
        ("/nothing", "nothing", 2),
        ("/tokens", "text", 2),
        ('/next prompt:"London was', "never closed", 2),
        ("/complete prompt:x temperature:3", "0.0 to 2.0", 2),
        ("/decode ids:x", "'x' isn't a token id in gpt2", 1),
        ("/decode ids:" + "9" * 5_000, "9…' isn't a token id in gpt2", 1),
        ("/complete prompt:x seed:" + "9" * 5_000, "seed must be a whole number", 2),
    ],
)
def test_a_refused_or_mistyped_command_ends_with_its_sentence_and_status(
    command: str, sentence: str, status: int
) -> None:
    answer = run("try", command)

    assert answer.returncode == status
    assert answer.stdout == ""
    assert sentence in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["/next", "prompt:London", "was"], "/next prompt:London was"),
        (["/next", 'prompt:"$(rm)"'], "/next prompt:London was"),
        (["secret", "word"], "/next prompt:London was"),
        (["/next", "x" * 500], "/next prompt:London was"),
    ],
)
def test_a_command_that_the_shell_has_split_is_shown_in_quotation_marks(words: list[str], shown: str) -> None:
    answer = run("try", *words)

    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr == f'Put the command in quotation marks: python -m bot try "{shown}"\n'


@pytest.mark.slow
def test_json_is_all_that_stands_on_stdout(tmp_path: Path) -> None:
    answer = run("try", "--json", "--picture", str(tmp_path), "/decode ids:40313", PYTHONIOENCODING="ascii")

    assert json.loads(answer.stdout)["ok"]
    assert answer.returncode == 0
    assert answer.stderr == f"Saved {tmp_path / 'tokens.png'}\n"


@pytest.mark.slow
def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "bot", "try", "/decode ids:40313"]
    environment = {**os.environ, "DISCORD_TOKEN": ""}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()

    assert process.returncode == 0
    assert said == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "dot", "token"), [("ascii", "|", "\\u2423will"), ("cp1252", "·", "\\u2423will")]
)
def test_a_card_can_be_read_where_the_output_is_not_utf_8(encoding: str, dot: str, token: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "bot", "try", "/decode ids:40313 481"]
    environment = {"DISCORD_TOKEN": "", "MODEL": "", "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    answer = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, timeout=120, check=False
    )
    card = answer.stdout.decode(encoding)

    assert (answer.returncode, answer.stderr) == (0, b"")
    assert f"10 characters {dot} 10 bytes" in card
    assert token in card


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize(
    ("arguments", "status"), [(["try", "/decode ids:40313"], 1), (["--help"], 0), (["try", "/nothing"], 2)]
)
def test_output_that_cannot_be_written_is_no_fault(arguments: list[str], status: int) -> None:
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "bot", *arguments],
            cwd=ROOT,
            env={**os.environ, "DISCORD_TOKEN": "", "MODEL": ""},
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )

    assert answer.returncode == status
    assert b"Traceback" not in answer.stderr
    assert b"Exception ignored" not in answer.stderr


@pytest.mark.slow
def test_migrate_says_what_a_database_is_and_brings_it_forward(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite3"
    url = {"DATABASE_URL": f"sqlite:///{file}"}

    missing = run("migrate", "--check", **url)
    assert (missing.returncode, file.exists()) == (1, False)
    assert missing.stdout.startswith("There is no database yet")

    with closing(sqlite3.connect(file)) as older:
        older.execute("CREATE TABLE versions (schema INTEGER NOT NULL)")
        older.execute("INSERT INTO versions VALUES (1)")
        older.execute(
            "CREATE TABLE runs (run_id VARCHAR(16) PRIMARY KEY, kind, owner, asked_at, parent, question)"
        )
        older.commit()
    check = run("migrate", "--check", **url)
    assert check.returncode == 1
    assert f"from schema 1 to revision {NEWEST}." in check.stdout

    done = run("migrate", **url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"The database was brought from schema 1 to revision {NEWEST}.\n"
    check = run("migrate", "--check", **url)
    assert (check.returncode, check.stdout) == (0, f"The database is up to date (revision {NEWEST}).\n")

    with closing(sqlite3.connect(file)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    for refused in (run("migrate", "--check", **url), run("migrate", **url), run("try", "/help", **url)):
        assert refused.returncode == 2
        assert refused.stderr.count("\n") == 1
        assert f"another version (9999, not {NEWEST}), a newer one" in refused.stderr


@pytest.mark.slow
def test_a_database_that_cannot_be_reached_is_not_called_older() -> None:
    answer = run("migrate", "--check", DATABASE_URL="postgresql://a:osprey@127.0.0.1:1/b")

    assert answer.returncode == 2
    assert answer.stderr.startswith("The database cannot be reached or read: ")
    assert "osprey" not in answer.stderr
