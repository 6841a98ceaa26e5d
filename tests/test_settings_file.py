"""The settings file is read as intended, or one sentence says what is wrong with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from bot.errors import SettingsFileUnusable
from bot.settings_file import read

SECRET = "hunter2"  # noqa: S105
FOLDER = "it is a folder; Docker creates one if the file to mount is missing"


@pytest.fixture(autouse=True)
def here(tmp_path: Path) -> Iterator[Path]:
    with chdir(tmp_path):
        yield tmp_path


def problem_of(content: str | bytes) -> str:
    Path("my.env").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsFileUnusable) as caught:
        read(Path("my.env"))
    assert SECRET not in caught.value.sentence
    return caught.value.problem


def test_without_a_file_there_are_no_settings() -> None:
    assert read(None) == {}


def test_the_default_file_is_read_if_it_exists() -> None:
    Path(".env").write_text("A=1\n")

    assert read(None) == {"A": "1"}


def test_an_empty_value_and_an_empty_file_are_fine() -> None:
    Path(".env").write_text("# nothing\n\nA=\nexport B = 'x' # comment\n")
    assert read(None) == {"A": "", "B": "x"}

    Path(".env").write_text("")
    assert read(None) == {}


def test_notepad_s_byte_order_mark_and_line_ends_are_not_read() -> None:
    Path(".env").write_bytes(b"\xef\xbb\xbfA=1\r\nB=2\r\n")

    assert read(None) == {"A": "1", "B": "2"}


def test_a_pipe_can_be_read_too() -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_text, args=("A=1\n",))
    writer.start()

    assert read(Path("pipe")) == {"A": "1"}
    writer.join()


@pytest.mark.parametrize("given", [None, Path(".env")])
def test_a_folder_is_refused(given: Path | None) -> None:
    Path(".env").mkdir()
    with pytest.raises(SettingsFileUnusable) as caught:
        read(given)

    assert caught.value.sentence == f"The settings file .env cannot be used: {FOLDER}."


@pytest.mark.parametrize("given", [None, Path(".env")])
def test_a_broken_link_is_refused(given: Path | None) -> None:
    Path(".env").symlink_to("missing")
    with pytest.raises(SettingsFileUnusable, match="it is a link to a missing file"):
        read(given)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("missing", "there is no such file"),
        ("", FOLDER),
        ("file/below", "it cannot be read (Not a directory)"),
        ("loop", "it cannot be read (Too many levels of symbolic links)"),
        ("x" * 300, "it cannot be read (File name too long)"),
        ("/proc/self/mem", "it cannot be read (Input/output error)"),
        ("/dev/zero", "it is larger than 1 MB"),
    ],
)
def test_an_unreadable_file_is_refused_with_the_reason(name: str, problem: str) -> None:
    Path("file").touch()
    Path("loop").symlink_to("loop")
    with pytest.raises(SettingsFileUnusable) as caught:
        read(Path(name))

    assert caught.value.problem == problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_forbidden_file_is_refused_with_the_reason() -> None:
    Path("mine").touch(mode=0)
    with pytest.raises(SettingsFileUnusable, match="Permission denied"):
        read(Path("mine"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_other_encodings_than_utf_8_are_not_guessed(encoding: str) -> None:
    assert problem_of(f"DISCORD_TOKEN={SECRET}é\n".encode(encoding)) == "it is not UTF-8 text"


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (f"DISCORD_TOKEN: {SECRET}", 1),
        (f"DISCORD TOKEN={SECRET}", 1),
        (f'DISCORD_TOKEN="{SECRET}', 1),
        (f'DISCORD_TOKEN="{SECRET}" MODEL=x', 1),
        (SECRET, 1),
        (f"A=1\n# B\n\n\n  {SECRET}", 5),
        (f"A=1\r\n\r\n{SECRET} {SECRET}\r\n", 3),
        (f"A='two\nlines'\n={SECRET}", 3),
        ("[bot]\nA=1", 1),
        ("A=1\x00", 0),
    ],
)
def test_a_line_that_sets_nothing_is_named_by_its_number_only(line: str, at: int) -> None:
    assert problem_of(line) == (f"line {at} is not NAME=VALUE" if at else "it is not UTF-8 text")


@pytest.mark.parametrize("second", ["", "other"])
def test_two_values_for_one_variable_are_named_by_their_lines(second: str) -> None:
    content = f"DISCORD_TOKEN={SECRET}\n\nMODEL=x\nDISCORD_TOKEN={second}\n"

    assert problem_of(content) == "lines 1 and 4 give one variable two values"


def test_a_value_after_an_empty_one_and_the_same_value_twice_are_fine() -> None:
    Path(".env").write_text("A=\nB=2\nA=1\nB=2\n")

    assert read(None) == {"A": "1", "B": "2"}
