"""Memory for numbers, asked of the system itself where it can be asked."""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
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
