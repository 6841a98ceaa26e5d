"""How the model worker's speed, gaps and memory grow, beside llama.cpp's sequences and ``generate``.

    python -m tests.benchmarks.growth [--shape gpt2-xl] [--texts 1 8 64] [--prompts 16 1000] [--json FILE]
    python -m tests.benchmarks.growth --draw FILE --svg docs/growth.svg

1 to 64 texts are written together after prompts of 16 tokens; prompts of up to 1,000 tokens are read for one
text and for eight. In each round every program runs once in a process of its own, in turn. The program prints
the medians and spreads over the rounds: tokens/s of all texts together from when each has begun, the time to
a text's first token, the gap between a text's tokens (median, and what 99 % do not exceed), and the peak of
the process's memory.

The worker's tokens are clocked where the bot receives them, a peer's within its own process. Several runs
can be collected in one ``--json`` file, which ``--draw`` prints again and draws.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import get_args

from bot.errors import ModelUnusable
from bot.model.cores import usable_cores
from tests.benchmarks import peers
from tests.benchmarks.growth.cells import Cell, cells
from tests.benchmarks.growth.picture import picture
from tests.benchmarks.growth.programs import PEERS, points
from tests.benchmarks.growth.record import Key, Record
from tests.benchmarks.limits import UNLIMITED
from tests.benchmarks.models import SHAPES, random_model
from tests.benchmarks.workload import OURS, Precision, TooShort

TEXTS = (1, 2, 4, 8, 16, 32, 64)
PROMPTS = (16, 64, 256, 512, 1000)
TOKENS = 24  # with 1,000 of a prompt they fill the context


def main() -> int:
    options = parse()
    if options.draw:
        record, failed = Record.read(options.draw), False
    else:
        record = Record.read(options.json) if options.json and options.json.exists() else Record()
        with tempfile.TemporaryDirectory() as temporary:
            failed = asyncio.run(measured(options, options.files or Path(temporary), record))
    print(record.tables())
    if options.svg:
        options.svg.write_text(picture(record), encoding="utf-8")
    return int(failed)


async def measured(options: argparse.Namespace, files: Path, record: Record) -> bool:
    """Add the rounds to ``record``; return whether a program failed: that one is left out from then on."""
    wanted = cells(options.texts, options.prompts, options.tokens)
    runs = [
        (shape, precision, name)
        for shape in options.shape
        for precision in options.precision
        for name in options.program
        if name == OURS or precision in peers.peer(name).PRECISIONS
    ]
    failed: set[tuple[str, Precision, str]] = set()
    for number in range(options.rounds):
        for run in runs:
            if run not in failed and not await _ran(run, files, options.threads, wanted, record, number):
                failed.add(run)
            if options.json:  # what follows may be interrupted
                record.write(options.json)
    return bool(failed)


async def _ran(
    run: tuple[str, Precision, str],
    files: Path,
    threads: int,
    wanted: list[Cell],
    record: Record,
    number: int,
) -> bool:
    shape, precision, name = run
    model = random_model(shape, files)
    print(f"round {number + 1}: {name}, {shape}, {precision} …", file=sys.stderr, flush=True)
    try:
        if name != OURS:
            await peers.prepare(name, model, files, precision, threads, UNLIMITED)
        for cell, point in zip(
            wanted, await points(name, model, files, precision, threads, wanted), strict=True
        ):
            record.add(Key(shape, precision, name, cell), point)
    except (peers.PeerFailed, TooShort, ModelUnusable) as error:
        print(f"failed: {name}, {shape}, {precision}: {error}", file=sys.stderr, flush=True)
        return False
    return True


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    installed = [OURS, *(name for name in PEERS if not peers.missing(name))]
    parser.add_argument("--shape", choices=SHAPES, nargs="+", default=["gpt2-large"])
    parser.add_argument("--texts", type=int, nargs="+", default=TEXTS)
    parser.add_argument("--prompts", type=int, nargs="+", default=PROMPTS)
    parser.add_argument("--program", choices=(OURS, *PEERS), nargs="+", default=installed)
    parser.add_argument("--precision", choices=get_args(Precision), nargs="+", default=["float32"])
    parser.add_argument("--tokens", type=int, default=TOKENS, help="new tokens of each text, at least 3")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the figures to those there")
    parser.add_argument(
        "--draw", type=Path, metavar="FILE", help="measure nothing: print and draw these figures"
    )
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw a picture")
    parser.add_argument("--files", type=Path, metavar="FOLDER", help="keep the models here for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
