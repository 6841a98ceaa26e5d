"""A file of tensors that shows any change to it, and is read as fast as memory can be filled.

The tensors' bytes come first, each from a multiple of ``_ALIGNED`` on; then a description in JSON; then the
length and the hash of the description. It has a hash of every segment of the bytes: segments are read, and
checked, by several threads. The hashes (XXH3) find damage; they are no signature.
"""

from __future__ import annotations

import json
import os
import struct
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import torch
import xxhash
from torch import Tensor

from bot.model.gpt2.memory import large_pages

_ALIGNED = 64  # a cache line, and the largest vector
_SEGMENT = 16 * 2**20
_END = struct.Struct("<8sQ16s")  # a mark, the description's length and its hash
_MARK = b"tensors1"

Facts = Mapping[str, int | str]


class Damaged(Exception):
    """A file that isn't as it was written."""


@dataclass(frozen=True, slots=True)
class Content:
    """Named tensors, and facts about them."""

    tensors: Mapping[str, Tensor]
    facts: Facts


def write(content: Content, file: BinaryIO) -> None:
    """Raises OSError."""
    places: dict[str, tuple[str, list[int], int]] = {}
    size = 0
    for name, tensor in content.tensors.items():
        places[name] = str(tensor.dtype).removeprefix("torch."), list(tensor.shape), size
        size += _padded(tensor.nbytes)
    hashes = _Hashes()
    for piece in chain.from_iterable(map(_pieces, content.tensors.values())):
        file.write(piece)
        hashes.add(piece)
    described = {"tensors": places, "facts": content.facts, "size": size, "hashes": hashes.all()}
    description = json.dumps(described).encode()
    file.write(description)
    file.write(_END.pack(_MARK, len(description), xxhash.xxh3_128_digest(description)))


def size_of(content: Content) -> int:
    """The bytes that ``content`` takes in a file, but for its description."""
    return sum(_padded(tensor.nbytes) for tensor in content.tensors.values())


def read(path: Path, *, threads: int) -> Content:
    """What was written; raises Damaged, or OSError."""
    # One file for all threads: another worker may replace it meanwhile.
    with path.open("rb", buffering=0) as file:
        content = _Bytes(file)
        described = _description(content)
        memory = large_pages(described["size"])
        view = _bytes(memory)

        def fill_segment(number: int, expected: str) -> bool:
            first = number * _SEGMENT
            part = view[first : first + _SEGMENT]
            content.into(part, first)
            return xxhash.xxh3_128_hexdigest(part) == expected

        with ThreadPoolExecutor(threads) as pool:
            hashes = described["hashes"]
            if not all(pool.map(fill_segment, range(len(hashes)), hashes)):
                raise Damaged("its bytes have changed")
    tensors = {name: _tensor(memory, *place) for name, place in described["tensors"].items()}
    return Content(tensors, described["facts"])


def _bytes(numbers: Tensor) -> memoryview:
    array: Any = numbers.numpy()
    return memoryview(array)


def _padded(size: int) -> int:
    return size + -size % _ALIGNED


def _pieces(tensor: Tensor) -> Iterator[memoryview]:
    """The bytes of ``tensor`` and of its padding."""
    if tensor.nbytes:
        yield _bytes(tensor.contiguous().view(-1).view(torch.uint8))
        yield memoryview(bytes(-tensor.nbytes % _ALIGNED))


class _Hashes:
    """The hash of each segment of the bytes that are added."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._open, self._room = xxhash.xxh3_128(), _SEGMENT

    def add(self, piece: memoryview) -> None:
        while piece:
            part, piece = piece[: self._room], piece[self._room :]
            self._open.update(part)
            self._room -= len(part)
            if not self._room:
                self._close()

    def all(self) -> list[str]:
        """Call it once, at the end."""
        if self._room < _SEGMENT:
            self._close()
        return self._done

    def _close(self) -> None:
        self._done.append(self._open.hexdigest())
        self._open, self._room = xxhash.xxh3_128(), _SEGMENT


class _Bytes:
    """The bytes of an open file, for several threads."""

    def __init__(self, file: FileIO) -> None:
        self._file, self._one_at_a_time = file, threading.Lock()
        self.length = os.fstat(file.fileno()).st_size

    def at(self, first: int, size: int) -> bytes:
        content = bytearray(size)
        self.into(memoryview(content), first)
        return bytes(content)

    def into(self, part: memoryview, first: int) -> None:
        """Fill ``part`` with the bytes from ``first`` on."""
        while part:
            if not (count := self._some(part, first)):
                raise Damaged("it is cut off")
            part, first = part[count:], first + count

    def _some(self, part: memoryview, first: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [part], first)
        with self._one_at_a_time:
            self._file.seek(first)
            return self._file.readinto(part) or 0


def _description(content: _Bytes) -> dict[str, Any]:
    end = content.length - _END.size
    if end < 0:
        raise Damaged("it is cut off")
    mark, length, expected = _END.unpack(content.at(end, _END.size))
    if mark != _MARK or length > end:
        raise Damaged("it is cut off, or has another format")
    description = content.at(end - length, length)
    if xxhash.xxh3_128_digest(description) != expected:
        raise Damaged("its description has changed")
    described: dict[str, Any] = json.loads(description)
    if described["size"] != end - length:
        raise Damaged("its length has changed")
    return described


def _tensor(memory: Tensor, dtype: str, shape: list[int], offset: int) -> Tensor:
    """A view of ``memory``, which all tensors share."""
    kind: torch.dtype = getattr(torch, dtype)
    size = kind.itemsize * torch.Size(shape).numel()
    return memory[offset : offset + size].view(kind).view(shape)
