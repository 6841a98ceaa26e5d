"""The memory bandwidth, in GB/s, of a number of threads that only read.

    python -m tests.benchmarks.bandwidth --threads 2

It limits the speed of a single text, because every token reads every weight once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

BYTES = 2**30
TRIES = 5


async def read_bandwidth(threads: int) -> float:
    """Measure in a process of its own, which frees its gigabyte afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, "--threads", str(threads), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return float(output)


def measure(threads: int) -> float:
    """The best of a few readings, of one long row and of many short ones: which is faster varies."""
    import torch

    torch.set_num_threads(threads)
    numbers = torch.ones(BYTES // 4)
    rows = numbers.view(-1, 4096)
    best = float("inf")
    for _ in range(TRIES):
        for part in (numbers, rows):
            start = time.perf_counter()
            part.sum(-1)
            best = min(best, time.perf_counter() - start)
    return BYTES / best / 1e9


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, required=True)
    print(measure(parser.parse_args().threads))
