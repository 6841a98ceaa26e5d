"""Digests are remembered as long as their files are the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.model.checkpoint.digests import Digests


class Counted:
    """Computes a digest, and counts how often."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.times, self._before = 0, before

    def __call__(self) -> str:
        self.times += 1
        self._before()
        return f"digest {self.times}"


@pytest.fixture
def weights(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "model" / name for name in ("config.json", "model.safetensors")]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(b"weights")
    return paths


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_a_digest_is_computed_once(kept: Path, weights: list[Path]) -> None:
    compute = Counted()
    assert [Digests(kept).of(weights, compute) for _ in range(3)] == ["digest 1"] * 3
    assert compute.times == 1


def rewrite(path: Path) -> None:
    path.write_bytes(b"strange")


def replace_it(path: Path) -> None:
    """By another file with the same size and times."""
    status, other = path.stat(), path.with_name("other")
    other.write_bytes(b"strange")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


def rewrite_with_the_old_time(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"strange")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [rewrite, replace_it, rewrite_with_the_old_time])
@pytest.mark.parametrize("number", [0, 1])
def test_a_changed_file_is_read_again(
    kept: Path, weights: list[Path], number: int, change: Callable[[Path], None]
) -> None:
    compute = Counted()
    Digests(kept).of(weights, compute)
    change(weights[number])
    assert Digests(kept).of(weights, compute) == "digest 2"


def test_another_list_of_files_has_another_digest(kept: Path, weights: list[Path]) -> None:
    compute = Counted()
    assert Digests(kept).of(weights, compute) != Digests(kept).of(weights[:1], compute)


def test_what_changes_while_it_is_read_is_not_remembered(kept: Path, weights: list[Path]) -> None:
    compute = Counted(before=lambda: weights[1].write_bytes(b"longer than before"))
    assert Digests(kept).of(weights, compute) == "digest 1"
    assert Digests(kept).of(weights, Counted()) == "digest 1"
    assert not (kept / "digests.json").exists() or compute.times == 1


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"x": 1}', b"\xff", b"null", b"[" * 100_000])
def test_a_damaged_memory_is_begun_anew(kept: Path, weights: list[Path], content: bytes) -> None:
    kept.mkdir()
    (kept / "digests.json").write_bytes(content)
    compute = Counted()
    assert [Digests(kept).of(weights, compute) for _ in range(2)] == ["digest 1"] * 2
    assert compute.times == 1


def test_an_entry_of_another_form_counts_as_none(kept: Path, weights: list[Path]) -> None:
    kept.mkdir()
    folder = str(weights[0].parent.resolve())
    (kept / "digests.json").write_text(f'{{"{folder}": {{"state": [], "digest": 7}}}}')
    assert Digests(kept).of(weights, Counted()) == "digest 1"


def test_models_are_remembered_side_by_side(kept: Path, weights: list[Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").touch()
    first, second = Counted(), Counted()
    for _ in range(2):
        Digests(kept).of(weights, first)
        Digests(kept).of([other / "config.json"], second)
    assert (first.times, second.times) == (1, 1)


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path, weights: list[Path]) -> None:
    (tmp_path / "file").touch()
    compute = Counted()
    assert [Digests(tmp_path / "file").of(weights, compute) for _ in range(2)] == ["digest 1", "digest 2"]


@pytest.mark.skipif(sys.platform == "win32", reason="rights are POSIX's")
def test_what_others_may_have_written_is_not_believed(kept: Path, weights: list[Path]) -> None:
    Digests(kept).of(weights, Counted())
    kept.chmod(0o777)
    compute = Counted()
    Digests(kept).of(weights, compute)
    assert compute.times == 1
