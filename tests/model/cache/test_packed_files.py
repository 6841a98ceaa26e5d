"""Kept files are used as long as nothing that they depend on changes, and never trusted blindly."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bot.model.cache import packed_files
from bot.model.cache.packed_files import PackedFiles
from bot.model.cache.tensor_file import Content
from bot.model.kernels.processor import Processor

PROCESSOR = Processor("znver4", "+avx2,+avx512f", rows=12, vectors=2)
DAY = 24 * 3600.0


@pytest.fixture
def files(tmp_path: Path) -> PackedFiles:
    return PackedFiles(tmp_path / "kept", spare=0)


def path_of(files: PackedFiles, identity: str = "sha256:a") -> Path:
    path = files.path(identity, "int8", PROCESSOR)
    assert path is not None
    return path


def content(number: float = 1.0) -> Content:
    return Content({"weights": torch.full((50_000,), number)}, {"count": 50_000})


def number_in(found: Content | None) -> float | None:
    """The number that all of the content's are."""
    if found is None:
        return None
    (number,) = set(found.tensors["weights"].tolist())
    return float(number)


def test_what_was_written_is_read(files: PackedFiles) -> None:
    path = path_of(files)
    assert files.read(path) is None
    files.write(path, content(3.0))
    found = files.read(path)
    assert number_in(found) == 3.0
    assert found is not None
    assert found.facts == {"count": 50_000}


def test_nobody_else_can_read_the_folder(files: PackedFiles) -> None:
    files.write(path_of(files), content())
    if sys.platform != "win32":
        assert files.folder.stat().st_mode & 0o077 == 0


def test_a_file_is_only_for_what_it_was_made_of(files: PackedFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [
        files.path("sha256:a", "int8", PROCESSOR),
        files.path("sha256:b", "int8", PROCESSOR),
        files.path("sha256:a", "float32", PROCESSOR),
        files.path("sha256:a", "int8", replace(PROCESSOR, name="generic")),
        files.path("sha256:a", "int8", replace(PROCESSOR, features="+avx2")),
        files.path("sha256:a", "int8", replace(PROCESSOR, vectors=1)),
    ]
    monkeypatch.setattr("llvmlite.__version__", "0")
    paths.append(files.path("sha256:a", "int8", PROCESSOR))
    assert len(set(paths)) == len(paths)
    assert None not in paths


def test_a_file_is_only_for_the_code_that_made_it(
    files: PackedFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path_of(files)
    copy = tmp_path / "model"
    shutil.copytree(packed_files._MODEL_CODE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(packed_files, "_MODEL_CODE", copy)
    assert path_of(files) == before
    for name in (
        "gpt2/linear_layout.py",
        "kernels/matmul.py",
        "kernels/pack.py",
        "checkpoint/configuration.py",
    ):
        with (copy / name).open("a", encoding="utf-8") as source:
            source.write("\n# changed\n")
        assert path_of(files) != before
        before = path_of(files)


def test_without_the_code_s_sources_nothing_is_kept(
    files: PackedFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed_files, "_MODEL_CODE", tmp_path)
    assert files.path("sha256:a", "int8", PROCESSOR) is None


@pytest.mark.parametrize("damage", ["changed", "cut off", "empty"])
def test_a_damaged_file_is_said_in_one_line_and_made_anew(
    files: PackedFiles, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = path_of(files)
    files.write(path, content(3.0))
    good = path.read_bytes()
    path.write_bytes({"changed": good[:9] + b"x" + good[10:], "cut off": good[:-100], "empty": b""}[damage])
    assert files.read(path) is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path} is not used (it")
    assert line.endswith("): the weights are packed again.")
    files.write(path, content(4.0))
    assert number_in(files.read(path)) == 4.0
    assert capsys.readouterr().err == ""


def test_where_the_disk_would_be_full_nothing_is_written(
    files: PackedFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    cautious = replace(files, spare=2**60)
    cautious.write(path_of(files), content())
    assert list(files.folder.iterdir()) == []
    assert capsys.readouterr().err == (
        f"The packed weights were not kept in {files.folder} (the disk is nearly full).\n"
    )


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_of_a_file_that_cannot_be_finished_nothing_is_left(
    files: PackedFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    with files_of_at_most(100_000):
        files.write(path_of(files), content())
    assert list(files.folder.iterdir()) == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"The packed weights were not kept in {files.folder} (File too large)."


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    files = PackedFiles(tmp_path / "file" / "kept", spare=0)
    files.write(path_of(files), content())
    assert files.read(path_of(files)) is None
    assert capsys.readouterr().err == (
        f"The packed weights were not kept in {files.folder} (Not a directory).\n"
    )


def test_a_folder_that_cannot_be_looked_into_costs_only_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = PackedFiles(tmp_path / ("long" * 100), spare=0)  # a refusal for the administrator too
    assert files.read(path_of(files)) is None
    files.write(path_of(files), content())
    files.sweep()
    assert all(line.endswith((").", "again.")) for line in capsys.readouterr().err.splitlines())


@pytest.mark.skipif(sys.platform == "win32", reason="rights are POSIX's")
def test_a_folder_that_others_may_write_to_is_neither_read_nor_written(
    files: PackedFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    path = path_of(files)
    files.write(path, content())
    files.folder.chmod(0o777)
    assert files.read(path) is None
    path.unlink()
    files.write(path, content())
    assert not path.exists()
    assert capsys.readouterr().err.count("others may write to its folder") == 2


def test_two_workers_that_write_the_same_file_leave_a_whole_one_at_any_time(files: PackedFiles) -> None:
    path = path_of(files)
    files.write(path, content(0.0))

    def write_often(number: float) -> None:
        for _ in range(20):
            files.write(path, content(number))

    writers = [threading.Thread(target=write_often, args=(number,)) for number in (1.0, 2.0)]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(number_in(files.read(path)))
    for writer in writers:
        writer.join()
    assert seen <= {0.0, 1.0, 2.0}
    assert list(files.folder.iterdir()) == [path]


def aged(path: Path, seconds: float) -> Path:
    path.touch()
    long_ago = time.time() - seconds
    os.utime(path, (long_ago, long_ago))
    return path


def test_what_has_not_been_used_for_a_month_is_deleted(files: PackedFiles) -> None:
    files.folder.mkdir()
    old, recent = aged(files.folder / "old.packed", 31 * DAY), aged(files.folder / "recent.packed", 29 * DAY)
    other = aged(files.folder / "digests.json", 400 * DAY)
    left, growing = aged(files.folder / "left.part", 900), aged(files.folder / "growing.part", 60)
    files.sweep()
    assert set(files.folder.iterdir()) == {recent, other, growing}
    assert not old.exists()
    assert not left.exists()


def test_reading_counts_as_use(files: PackedFiles) -> None:
    path = path_of(files)
    files.write(path, content())
    aged(path, 31 * DAY)
    assert files.read(path) is not None
    files.sweep()
    assert path.exists()


def test_a_file_that_is_only_there_to_be_read_is_used(
    files: PackedFiles, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = path_of(files)
    files.write(path, content(3.0))

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "utime", refuse)
    assert number_in(files.read(path)) == 3.0
    assert capsys.readouterr().err == ""


def test_a_folder_that_is_not_there_needs_no_sweeping(files: PackedFiles) -> None:
    files.sweep()
    assert not files.folder.exists()
