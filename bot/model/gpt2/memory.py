"""Memory for tensors, straight from the system where it has ``mmap`` with private pages."""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence
from contextlib import suppress

import torch
from torch import Tensor


def in_large_pages(numbers: Tensor) -> Tensor:
    """A contiguous copy of ``numbers`` that needs fewer address translations to be read.

    Only for tensors that live as long as the process: the system may take a while to find large pages.
    """
    return _mapped(numbers.shape, numbers.dtype, "MADV_HUGEPAGE").copy_(numbers)


def untouched(shape: Sequence[int], dtype: torch.dtype = torch.float32) -> Tensor:
    """Uninitialized numbers that take memory only where something is written, page by page.

    Without large pages, which some systems use unasked: there, one number would take two megabytes.
    """
    return _mapped(shape, dtype, "MADV_NOHUGEPAGE")


def _mapped(shape: Sequence[int], dtype: torch.dtype, advice: str) -> Tensor:
    """Map private memory and give the system ``advice`` about it, if it knows that advice."""
    size = math.prod(shape) * dtype.itemsize
    if not size or not hasattr(mmap, "MAP_PRIVATE"):
        return torch.empty(*shape, dtype=dtype)
    # The default is shared memory, whose pages follow other rules.
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, advice):
        # An operating system with one size of pages refuses.
        with suppress(OSError):
            memory.madvise(getattr(mmap, advice))
    return torch.frombuffer(memory, dtype=dtype).view(*shape)
