from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bot.runtime import Tidy, return_freed

# Large tables come and go between small things that stay. Prints how many MiB are held for it.
PASSING = """
import sys
import psutil
from bot.runtime import keep_large_apart

if sys.argv[1] == "apart":
    keep_large_apart()
warm = bytearray(24 * 2**20)  # glibc takes its size as a sign that such blocks come and go
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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked")
def test_large_blocks_leave_no_holes_between_small_ones_that_stay() -> None:
    assert taken("apart") < 10 < 30 < taken("as it is")


def test_memory_is_returned_without_harm() -> None:
    numbers = bytearray(b"1" * 1000)
    return_freed()
    assert numbers.count(b"1") == 1000


def test_what_was_freed_is_given_back_once_when_there_was_nothing_to_do_for_a_while() -> None:
    now = 0.0
    given: list[float] = []
    tidy = Tidy(lambda: given.append(now), pause=1.0, clock=lambda: now)
    for worked, idle in ((0.0, (0.5, 1.0, 2.0, 50.0)), (51.0, (51.9, 52.1, 60.0)), (61.0, (61.5,))):
        now = worked
        tidy.worked()
        for now in idle:  # noqa: B007 (the clock reads it)
            tidy.idle()

    assert given == [1.0, 52.1]
