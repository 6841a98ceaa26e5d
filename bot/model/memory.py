"""Asking the system for memory, and giving it back, where it can be asked."""

from __future__ import annotations

import ctypes
import mmap
import sys
from contextlib import suppress

import torch
from torch import Tensor


def in_large_pages(numbers: Tensor) -> Tensor:
    """A contiguous copy of ``numbers``, which stays: reading it needs fewer address translations.

    Only for what lives as long as the process. Finding large pages can take a while.
    """
    if not hasattr(mmap, "MADV_HUGEPAGE") or not numbers.nbytes:
        return numbers.contiguous()
    memory = mmap.mmap(-1, numbers.nbytes)
    # A kernel without large pages refuses, and gives small ones.
    with suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    copy = torch.frombuffer(memory, dtype=numbers.dtype).view(numbers.shape)
    return copy.copy_(numbers)


def return_freed() -> None:
    """Give back what was freed, where the C library can; glibc would keep it: gigabytes, after loading."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
