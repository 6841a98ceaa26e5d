"""The memory bandwidth, in GB/s, of a number of threads that only read.

    python -m tests.benchmarks.bandwidth --threads 2

It limits the speed of a single text, because every token reads every weight once. The reader is a kernel
like those that multiply: it loads a gigabyte in large pages and does next to nothing with it. Which number
of streams and which prefetching is fastest varies, so all are tried, and the best of a few readings counts.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from bot.model.gpt2.memory import in_large_pages
from bot.model.kernels.arguments import Arguments, Int32s, Signature
from bot.model.kernels.builder import INT, INTS, LANES, KernelBuilder, KernelModule, Variable
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import this_processor

BYTES = 2**30
TRIES = 5
PIECE = 2**20  # bytes that a thread takes at a time
NUMBER = 4  # bytes
#: Streams that a thread reads at once, and bytes that it prefetches ahead.
WAYS = [(streams, ahead) for streams in (1, 2, 4) for ahead in (0, 2048)]


@dataclass(kw_only=True)
class ReadArguments(Arguments):
    numbers: Int32s
    pieces: int
    out: Int32s  # [pieces, LANES]: something that depends on all of a piece's numbers


async def read_bandwidth(threads: int) -> float:
    """Measure in a process of its own, which frees its gigabyte afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, "--threads", str(threads), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return float(output)


def measure(threads: int) -> float:
    torch.set_num_threads(threads)
    numbers = in_large_pages(torch.ones(BYTES // NUMBER, dtype=torch.int32))
    module = KernelModule()
    signatures = [write_read(module, streams, ahead) for streams, ahead in WAYS]
    kernels = Kernels.compiled(module, this_processor())
    pieces = BYTES // PIECE
    arguments = ReadArguments(
        numbers=numbers, pieces=pieces, out=torch.empty(pieces, LANES, dtype=torch.int32)
    )
    readers = [kernels.program([kernels.kernel(signature).call(arguments)]) for signature in signatures]
    return BYTES / min(_seconds(read) for _ in range(TRIES) for read in readers) / 1e9


def write_read(module: KernelModule, streams: int, ahead: int) -> Signature[ReadArguments]:
    """Add a kernel that reads ``streams`` parts of each piece at once."""
    signature = Signature(f"read_{streams}_{ahead}", ReadArguments)
    kernel = KernelBuilder(module, signature)
    b, args, part = kernel.ir, kernel.arguments, PIECE // NUMBER // streams
    with kernel.shared_loop(args.pieces) as piece:
        seen = [Variable(kernel, kernel.ints(0)) for _ in range(streams)]
        begins = [
            kernel.at(
                args.numbers, INT, b.add(b.mul(piece, kernel.index(PIECE // NUMBER)), kernel.index(n * part))
            )
            for n in range(streams)
        ]
        with kernel.loop(kernel.index(part), LANES) as n:
            for begin, own in zip(begins, seen, strict=True):
                if ahead:
                    kernel.prefetch(begin, b.add(n, kernel.index(ahead // NUMBER)))
                own.set(b.xor(own.get(), kernel.load(INTS, begin, n)))
        for own in seen[1:]:
            seen[0].set(b.xor(seen[0].get(), own.get()))
        kernel.store(seen[0].get(), args.out, b.mul(piece, kernel.index(LANES)))
    kernel.finish()
    return signature


def _seconds(read: Callable[[], None]) -> float:
    start = time.perf_counter()
    read()
    return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, required=True)
    print(measure(parser.parse_args().threads))
