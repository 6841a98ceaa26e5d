"""The C library's memory: what is freed is to go back to the system.

Only glibc is asked, which would keep gigabytes; what is asked elsewhere changes nothing.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from contextlib import suppress

# Of mallopt(3). What is larger than LARGE comes from the system and goes back to it
# at once. By default glibc raises that bar to 32 MiB, and then large passing tables
# leave holes between small lasting things. A token's own tables are below it, for
# which the system's clearing of pages would take as long as the computing.
_M_MMAP_THRESHOLD = -3
LARGE = 4 * 2**20
# Bytes that may stay at the end of the heap; without a word it would be LARGE then.
_M_TRIM_THRESHOLD = -1
SPARE = 64 * 2**20


def keep_large_apart() -> None:
    """From now on, let no large block lie between what stays."""
    if libc := _glibc():
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE)
        libc.mallopt(_M_TRIM_THRESHOLD, SPARE)


def return_freed() -> None:
    """Give back what was freed by now."""
    if libc := _glibc():
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform == "linux":
        with suppress(OSError):
            libc = ctypes.CDLL("libc.so.6")
            # Other C libraries may go by this name.
            return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
    return None


class Tidy:
    """Calls ``give_back`` once there was nothing to do for ``pause`` seconds, and then no more."""

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
        """To be called now and then while there is nothing to do."""
        if self._worked is not None and self._clock() - self._worked >= self._pause:
            self._worked = None
            self._give_back()
