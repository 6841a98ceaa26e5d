"""How the process uses memory: what the C library gives back, what the garbage collector looks at.

Only glibc needs the C library's part: it would keep gigabytes. With another library those calls do nothing.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections.abc import Callable
from contextlib import suppress

# Of mallopt(3). Blocks larger than LARGE come straight from the system and go straight back. By default
# glibc raises that threshold to 32 MiB, and large passing tables then leave holes between small lasting
# objects. The tables of a single token are below it: the system clears every page it hands out, which takes
# as long as computing them.
_M_MMAP_THRESHOLD = -3
LARGE = 4 * 2**20
# Free bytes that may stay at the end of the heap. Unless set, it would now be LARGE as well.
_M_TRIM_THRESHOLD = -1
SPARE = 64 * 2**20


def keep_large_apart() -> None:
    """From now on, keep large blocks of memory out of the heap."""
    if libc := _glibc():
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE)
        libc.mallopt(_M_TRIM_THRESHOLD, SPARE)


def return_freed() -> None:
    """Return freed memory to the system."""
    if libc := _glibc():
        libc.malloc_trim(0)


def freeze_heap() -> None:
    """Exempt everything that exists now from garbage collection: it stays until the end anyway.

    A full collection would otherwise stop the event loop for 50 ms and more.
    """
    gc.collect()
    gc.freeze()


def _glibc() -> ctypes.CDLL | None:
    if sys.platform == "linux":
        with suppress(OSError):
            libc = ctypes.CDLL("libc.so.6")
            # Other C libraries may go by this name.
            return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
    return None


class Tidy:
    """Calls ``give_back`` once after ``pause`` idle seconds, then waits for new work."""

    def __init__(
        self,
        give_back: Callable[[], None],
        *,
        pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._give_back = give_back
        self._pause = pause
        self._clock = clock
        self._worked: float | None = clock()

    def worked(self) -> None:
        self._worked = self._clock()

    def idle(self) -> None:
        """Call this now and then while there is nothing to do."""
        if self._worked is not None and self._clock() - self._worked >= self._pause:
            self._worked = None
            self._give_back()
