"""Memory that is no longer used goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bot.system.runtime import Tidy, return_freed

# Large tables come and go between small objects that stay. Prints how many MiB that costs.
PASSING = """
import sys
import psutil
from bot.system.runtime import keep_large_apart

if sys.argv[1] == "apart":
    keep_large_apart()
warm = bytearray(24 * 2**20)  # glibc takes its size as that of passing blocks
del warm

def held():
    memory = psutil.Process().memory_info()
    return memory.rss - memory.shared

before, stay = held(), []
for _ in range(10):
    tables = [bytearray(size * 2**20) for size in (17, 5, 11, 7)]
    for number in range(len(tables)):
        tables[number] = None
        stay.append(bytes(2**17 - 100))
print((held() - before) // 2**20)
"""


def taken(how: str) -> int:
    program = [sys.executable, "-c", PASSING, how]
    return int(subprocess.run(program, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc needs it")
def test_large_passing_blocks_leave_no_holes_between_small_lasting_ones() -> None:
    assert taken("apart") < 10 < 30 < taken("as it is")


def test_memory_is_returned_without_harm() -> None:
    numbers = bytearray(b"1" * 1000)
    return_freed()
    assert numbers.count(b"1") == 1000


def test_freed_memory_is_returned_once_after_an_idle_while() -> None:
    now = 0.0
    given: list[float] = []
    tidy = Tidy(lambda: given.append(now), pause=1.0, clock=lambda: now)
    for worked, idle in ((0.0, (0.5, 1.0, 2.0, 50.0)), (51.0, (51.9, 52.1, 60.0)), (61.0, (61.5,))):
        now = worked
        tidy.worked()
        for now in idle:  # noqa: B007 (the clock reads it)
            tidy.idle()

    assert given == [1.0, 52.1]
