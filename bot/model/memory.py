"""Asking the system for memory, and giving it back, where it can be asked."""

from __future__ import annotations

import ctypes
import math
import mmap
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import torch
from torch import Tensor


def in_large_pages(numbers: Tensor) -> Tensor:
    """A contiguous copy of ``numbers``, which stays: reading it needs fewer address translations.

    Only for what lives as long as the process. Finding large pages can take a while.
    """
    return _mapped(numbers.shape, numbers.dtype, "MADV_HUGEPAGE").copy_(numbers)


def untouched(shape: Sequence[int]) -> Tensor:
    """Float32 of any values, which takes memory only where something is written, page by page.

    With large pages, which some systems give unasked, a number would take two megabytes.
    """
    return _mapped(shape, torch.float32, "MADV_NOHUGEPAGE")


def _mapped(shape: Sequence[int], dtype: torch.dtype, advice: str) -> Tensor:
    """Memory straight from the system, which is given ``advice`` if it knows that."""
    size = math.prod(shape) * dtype.itemsize
    if not size or not hasattr(mmap, "MAP_PRIVATE"):
        return torch.empty(*shape, dtype=dtype)
    # Shared memory, which is the default, has other pages.
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, advice):
        # A kernel that has only one kind of pages refuses.
        with suppress(OSError):
            memory.madvise(getattr(mmap, advice))
    return torch.frombuffer(memory, dtype=dtype).view(*shape)


class Tidy:
    """Gives back what was freed whenever there is nothing else to do, every ``pause`` seconds at most.

    Large passing tables between small lasting things leave holes in the C library's
    memory; a worker that is used for long took half as much again without this.
    """

    def __init__(
        self,
        *,
        pause: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        give_back: Callable[[], None] | None = None,
    ) -> None:
        self._pause = pause
        self._clock = clock
        self._give_back = give_back or return_freed
        self._latest = clock()

    def idle(self) -> None:
        now = self._clock()
        if now - self._latest >= self._pause:
            self._latest = now
            self._give_back()


def return_freed() -> None:
    """Give back what was freed, where the C library can; glibc would keep it: gigabytes, after loading."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
