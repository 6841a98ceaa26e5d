"""A file is replaced as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.system.files import UNFINISHED, discard_unfinished, replaced


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def test_a_file_is_replaced_when_the_block_ends(path: Path) -> None:
    with replaced(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(path: Path) -> None:
    with pytest.raises(TypeError), replaced(path) as file:
        file.writelines([b"new", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replaced(tmp_path / "none" / "file"):
        pass


def test_what_a_process_has_not_finished_is_deleted_and_no_other_s(path: Path) -> None:
    other = path.with_name(f"other{UNFINISHED}")
    other.touch()
    with replaced(path) as file:
        file.write(b"half")
        (unfinished,) = set(path.parent.iterdir()) - {path, other}
        discard_unfinished(path.parent)
        assert set(path.parent.iterdir()) == {path, other}
        unfinished.touch()  # for the block to end as usual


def test_a_block_whose_file_is_gone_says_so(path: Path) -> None:
    def replace() -> None:
        with replaced(path):
            discard_unfinished(path.parent)

    with pytest.raises(FileNotFoundError, match=str(path)):
        replace()
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_not_there_has_nothing_unfinished(tmp_path: Path) -> None:
    discard_unfinished(tmp_path / "none")
