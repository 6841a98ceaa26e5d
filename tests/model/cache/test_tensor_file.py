"""A file of tensors gives them back bit for bit, or says that it has changed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from bot.model.cache import tensor_file
from bot.model.cache.tensor_file import Content, Damaged, copied, read, size_of, write

DTYPES = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float32, torch.bfloat16]

shapes = st.lists(st.integers(0, 7), max_size=3)
in_a_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def numbers(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return (torch.rand(tuple(shape), generator=generator) * 100).to(dtype)


def written(content: Content, path: Path) -> Path:
    with path.open("wb") as file:
        write(content, file)
    return path


CONTENT = Content({"a": numbers([5, 7], torch.float32), "b": numbers([3], torch.int16)}, {"count": 38})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(CONTENT, tmp_path / "tensors")


@given(st.lists(st.tuples(shapes, st.sampled_from(DTYPES)), max_size=5), st.integers(1, 3))
@in_a_file
def test_tensors_of_any_type_and_shape_are_read_as_they_were(
    tmp_path: Path, described: list[tuple[list[int], torch.dtype]], threads: int
) -> None:
    tensors = {f"tensor {n}": numbers(shape, dtype) for n, (shape, dtype) in enumerate(described)}
    found = read(written(Content(tensors, {"name": "é"}), tmp_path / "file"), threads=threads)
    assert list(found.tensors) == list(tensors)
    for name, tensor in tensors.items():
        assert found.tensors[name].dtype == tensor.dtype
        assert torch.equal(found.tensors[name], tensor)
    assert found.facts == {"name": "é"}


def test_each_tensor_begins_with_a_cache_line(path: Path) -> None:
    found = read(path, threads=1)
    assert [tensor.data_ptr() % 64 for tensor in found.tensors.values()] == [0, 0]


def test_a_tensor_that_is_not_contiguous_is_written_in_its_own_order(tmp_path: Path) -> None:
    tensor = numbers([4, 6], torch.float32).t()
    found = read(written(Content({"a": tensor}, {}), tmp_path / "file"), threads=1)
    assert torch.equal(found.tensors["a"], tensor)


def test_a_file_of_several_segments_is_read_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensor_file, "_SEGMENT", 100)
    path = written(CONTENT, tmp_path / "tensors")
    found = read(path, threads=3)
    assert all(torch.equal(found.tensors[name], CONTENT.tensors[name]) for name in CONTENT.tensors)
    for place in (0, 99, 100, size_of(CONTENT) - 1):
        with pytest.raises(Damaged, match="bytes have changed"):
            read(changed(path, place, 1), threads=3)


def changed(path: Path, place: int, difference: int) -> Path:
    """A copy of the file in which one byte differs."""
    content = bytearray(path.read_bytes())
    content[place] ^= difference
    copy = path.with_name("changed")
    copy.write_bytes(content)
    return copy


def length_of(content: Content) -> int:
    write(content, file := io.BytesIO())
    return len(file.getvalue())


LENGTH = length_of(CONTENT)


@given(st.integers(0, LENGTH - 1), st.integers(1, 255))
@in_a_file
def test_a_change_of_any_byte_is_noticed(path: Path, place: int, difference: int) -> None:
    with pytest.raises(Damaged):
        read(changed(path, place, difference), threads=1)


@given(st.integers(0, LENGTH - 1))
@in_a_file
def test_a_file_that_is_cut_off_anywhere_is_noticed(path: Path, length: int) -> None:
    cut = path.with_name("cut")
    cut.write_bytes(path.read_bytes()[:length])
    with pytest.raises(Damaged):
        read(cut, threads=1)


def test_bytes_too_many_are_noticed(path: Path) -> None:
    content = path.read_bytes()
    for longer in (content + b"\0", b"\0" + content, content[:-40] + bytes(64) + content[-40:]):
        path.write_bytes(longer)
        with pytest.raises(Damaged):
            read(path, threads=1)


def test_copies_are_equal_and_independent_of_the_file(path: Path) -> None:
    large = Content({"a": numbers([1024, 1024], torch.float32), "b": numbers([3], torch.int8)}, {})
    copies = copied(read(written(large, path), threads=2).tensors)
    assert all(torch.equal(copies[name], tensor) for name, tensor in large.tensors.items())
    with path.open("r+b") as file:
        file.write(b"strange")
    assert torch.equal(copies["a"], large.tensors["a"])


def test_a_file_that_was_replaced_or_deleted_stays_as_it_was_read(path: Path) -> None:
    found = read(path, threads=1)
    path.unlink()
    written(Content({"a": torch.zeros(100)}, {}), path)
    assert torch.equal(found.tensors["a"], CONTENT.tensors["a"])


def test_size_of_counts_the_tensors_bytes_and_what_aligns_them() -> None:
    assert size_of(CONTENT) == 192 + 64  # for 140 and 6
