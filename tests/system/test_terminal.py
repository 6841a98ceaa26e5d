"""Output is readable in every encoding; output that cannot be written is reported."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.plain import RULE
from bot.system.terminal import adapt, say, typed

ROOT = Path(__file__).parents[2]
ENCODINGS = ["ascii", "cp1252", "latin-1", "cp437", "shift_jis", "utf-8", "utf-16"]
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
SAYS = "import sys; from bot.system.terminal import *; adapt(sys.stdout, sys.stderr); "


def printed(text: str, encoding: str) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    adapt(stream)
    say(text, to=stream)
    stream.buffer.seek(0)
    return stream.buffer.read().decode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=st.text())
def test_any_text_is_printed_in_any_encoding(encoding: str, text: str) -> None:
    assert printed(text, encoding).endswith("\n")


@pytest.mark.parametrize(
    ("drawn", "in_ascii"),
    [
        (RULE, "-" * len(RULE)),
        ("██████▌░░░ 62.5\N{NO-BREAK SPACE}%", "#######... 62.5 %"),
        ("█▏░", "#:."),
        ("25405  \u2068\u0645\u2069", "25405  \\u0645"),
        ("seed 7 · −0.12 → …", "seed 7 | -0.12 -> ..."),
    ],
)
def test_drawings_use_the_characters_there_are(drawn: str, in_ascii: str) -> None:
    assert printed(drawn, "ascii") == in_ascii + "\n"


@pytest.mark.parametrize(
    ("text", "in_ascii"),
    [("␣will", "\\u2423will"), ("é", "\\xe9"), ("😀", "\\U0001f600"), ("\udc80", "\\udc80")],
)
def test_other_characters_appear_as_their_number(text: str, in_ascii: str) -> None:
    assert printed(text, "ascii") == in_ascii + "\n"


def test_nothing_is_replaced_if_the_encoding_has_every_character() -> None:
    assert printed("␣will · █░ 文", "utf-8") == "␣will · █░ 文\n"
    assert printed("½ · é", "cp1252") == "½ · é\n"


def test_utf_8_arguments_are_read_in_any_locale() -> None:
    there = os.fsdecode("Зима".encode())

    assert typed(there) == "Зима"
    assert typed("a\nb é") == "a\nb é"
    assert typed(os.fsdecode(b"a\xff")) == "a\ufffd"


def test_closed_output_is_no_error() -> None:
    answer = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, SAYS + "say('x'); settle()"],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, b"", b"")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_file_opened_later_never_takes_the_place_of_a_closed_stream(closed: str, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    program = f"""
from bot.system.terminal import stand_in
stand_in()
file = open({str(opened)!r}, "w")
import logging, os
logging.warning("x")
say("x")
complain("x")
os.write(2, b"x")
settle()
file.write(str(file.fileno() > 2))
"""
    answer = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, SAYS + program],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert answer.returncode == 0
    assert opened.read_text() == "True"


@needs_full
@pytest.mark.parametrize("text", ["'x'", "'x' * 100_000"])
def test_a_full_disk_is_reported_once(text: str) -> None:
    program = f"""
try:
    say({text})
except OutputLost as error:
    complain(error)
settle()
"""
    with FULL.open("w") as full:
        answer = subprocess.run(
            [sys.executable, "-c", SAYS + "from bot.errors import OutputLost" + program],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )

    assert answer.returncode == 0
    assert answer.stderr == b"The output cannot be written: No space left on device.\n"


@needs_full
def test_nothing_is_raised_if_stderr_cannot_be_written_either() -> None:
    with FULL.open("w") as full:
        answer = subprocess.run(
            [sys.executable, "-c", SAYS + "complain('x'); settle()"],
            cwd=ROOT,
            stderr=full,
            check=False,
            timeout=60,
        )

    assert answer.returncode == 0


def test_a_reader_may_take_its_time() -> None:
    """A full pipe makes the process wait, and loses nothing."""
    program = [sys.executable, "-c", SAYS + "say('x' * 1_000_000); settle()"]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        time.sleep(0.3)
        assert process.stdout.read() == b"x" * 1_000_000 + b"\n"
    assert process.returncode == 0
