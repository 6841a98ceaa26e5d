"""The bot starts only with the files it was shipped with, and names the first altered one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.errors import ShippedFileAltered, StartError
from bot.integrity import DATA, SUMS, digest, listed, verify
from bot.launch import started
from bot.settings import Settings


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The small ones of the shipped files, in a folder that the test may spoil."""
    folder = tmp_path / "data"
    folder.mkdir()
    lines = (DATA / SUMS).read_text(encoding="ascii").splitlines(keepends=True)
    few = [line for line in lines if line.rstrip().endswith((".json", "LICENSE"))]
    for line in few:
        name = line.split()[1]
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(DATA / name, folder / name)
    (folder / SUMS).write_text("".join(few), encoding="ascii")
    return folder


def test_every_shipped_file_is_listed_with_its_checksum() -> None:
    described = {"README.md", SUMS}
    there = {file.relative_to(DATA).as_posix(): digest(file) for file in DATA.rglob("*") if file.is_file()}

    assert dict(listed()) == {name: found for name, found in there.items() if name not in described}


def test_intact_files_are_accepted(copied: Path) -> None:
    verify(copied)


def test_a_flipped_bit_is_reported_with_the_file_s_name(copied: Path) -> None:
    file = copied / "demo-model" / "config.json"
    data = bytearray(file.read_bytes())
    data[7] ^= 1
    file.write_bytes(data)

    with pytest.raises(ShippedFileAltered) as refused:
        verify(copied)
    assert refused.value.sentence.startswith(
        "The file bot/data/demo-model/config.json is not the one that was shipped (its SHA-256 differs)"
    )


@pytest.mark.parametrize("name", ["demo-model/config.json", SUMS])
def test_a_missing_file_is_reported(copied: Path, name: str) -> None:
    (copied / name).unlink()

    with pytest.raises(ShippedFileAltered, match=name):
        verify(copied)


async def test_the_bot_refuses_to_start_with_altered_files(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied / "demo-model" / "config.json").write_text("{}", encoding="ascii")
    monkeypatch.setattr("bot.launch.verify", lambda: verify(copied))

    with pytest.raises(StartError, match=r"demo-model/config\.json is not the one that was shipped"):
        async with started(Settings.from_env({})):
            pytest.fail("it started")
