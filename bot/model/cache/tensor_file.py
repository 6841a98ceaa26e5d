"""A file of tensors that shows any change to it, and is there at once.

The tensors' bytes come first, each from a multiple of ``_ALIGNED`` on; then a description in JSON; then the
length and the hash of the description. It has a hash of every segment of the bytes, which several threads
check. The hashes (XXH3) find damage; they are no signature.
"""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import torch
import xxhash
from torch import Tensor

from bot.model.gpt2.memory import in_large_pages

_ALIGNED = 64  # a cache line, and the largest vector
_SEGMENT = 16 * 2**20
_LARGE = 2**21  # a large page
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
    """What was written, in pages of the file, which other processes share.

    Raises Damaged, or OSError.
    """
    with path.open("rb") as file:
        try:
            # A page that is written would be copied, but none is. Of pages that may not be, torch would warn.
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except ValueError as error:
            raise Damaged("it is empty") from error
    view = memoryview(pages)
    described = _description(view)

    def is_whole(number: int, expected: str) -> bool:
        segment = view[number * _SEGMENT : min((number + 1) * _SEGMENT, described["size"])]
        return bool(xxhash.xxh3_128_hexdigest(segment) == expected)

    with ThreadPoolExecutor(threads) as pool:
        hashes = described["hashes"]
        if not all(pool.map(is_whole, range(len(hashes)), hashes)):
            raise Damaged("its bytes have changed")
    tensors = {name: _tensor(pages, *place) for name, place in described["tensors"].items()}
    return Content(tensors, described["facts"])


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies in memory of their own, in large pages where they pay: fast to read, but slow to find."""
    return {
        name: in_large_pages(tensor) if tensor.nbytes >= _LARGE else tensor.clone()
        for name, tensor in tensors.items()
    }


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


def _description(view: memoryview) -> dict[str, Any]:
    end = len(view) - _END.size
    if end < 0:
        raise Damaged("it is cut off")
    mark, length, expected = _END.unpack(view[end:])
    if mark != _MARK or length > end:
        raise Damaged("it is cut off, or has another format")
    description = bytes(view[end - length : end])
    if xxhash.xxh3_128_digest(description) != expected:
        raise Damaged("its description has changed")
    described: dict[str, Any] = json.loads(description)
    if described["size"] != end - length:
        raise Damaged("its length has changed")
    return described


def _tensor(pages: mmap.mmap, dtype: str, shape: list[int], offset: int) -> Tensor:
    kind: torch.dtype = getattr(torch, dtype)
    count = torch.Size(shape).numel()
    if not count:
        return torch.empty(shape, dtype=kind)
    return torch.frombuffer(pages, dtype=kind, count=count, offset=offset).view(shape)
