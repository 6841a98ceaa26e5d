"""How long products take in each precision, with the instructions of lesser processors.

    python -m tests.benchmarks.products [--limit avx2] [--rounds 7]

The layers are GPT-2 Large's: two blocks and half of the vocabulary, more than a processor's caches hold. One
thread computes; the time is the processor's, so that a busy machine disturbs it little. All cases take turns.
A cell is the median of the rounds in milliseconds, and beside it how many times as fast as float32 with the
same instructions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import get_args

import torch
from torch import Tensor

from bot.model.gpt2.linear import Linear, Matmul, Scratch
from bot.model.kernels.builder import LANES, round_up
from bot.model.kernels.dispatch import Call
from bot.model.kernels.lesser_processors import LIMITS, Limit
from bot.model.kernels.processor import this_processor
from bot.model.model_info import Precision
from tests.benchmarks.report import table
from tests.support.layers import layer_of, matmul_of

# [in, out]
SHAPES = [(1280, 3840), (1280, 1280), (1280, 5120), (5120, 1280)] * 2 + [(1280, 25_000)]
ROWS = (1, 8, 96)
TRIES = 3  # in each round; the fastest counts

Case = tuple[Limit | None, Precision]


def layers(case: Case) -> tuple[Matmul, list[Linear]]:
    limit, precision = case
    matmul = matmul_of(precision, this_processor(limit))
    return matmul, [
        layer_of(matmul, torch.randn(outputs, inputs), None, "none") for inputs, outputs in SHAPES
    ]


def program(matmul: Matmul, made: Sequence[Linear], rows: int) -> tuple[Callable[[], None], list[object]]:
    """The products of ``rows`` rows by all layers, and what must live as long as they are computed."""
    tiling = matmul.tiling(rows)
    calls: list[Call] = []
    kept: list[object] = []
    for layer in made:
        x: Tensor = torch.randn(tiling.matrix(round_up(layer.inputs, LANES)).shape)
        out, scratch = tiling.matrix(layer.columns), Scratch(tiling, layer.inputs)
        calls += layer.calls(tiling, x, out, scratch)
        kept += [x, out, scratch]
    return matmul.kernels.program(calls), kept


def seconds(run: Callable[[], None]) -> float:
    def once() -> float:
        start = time.thread_time()
        run()
        return time.thread_time() - start

    return min(once() for _ in range(TRIES))


def main() -> None:
    options = parse()
    torch.set_num_threads(1)
    limits: list[Limit | None] = options.limit or [None, "avx512", "avx2"]
    cases: list[Case] = [(limit, precision) for limit in limits for precision in get_args(Precision)]
    made = {case: layers(case) for case in cases}
    programs = {(case, rows): program(*made[case], rows) for case in cases for rows in ROWS}
    found: dict[tuple[Case, int], list[float]] = {key: [] for key in programs}
    for _ in range(options.rounds):
        for key, (run, _) in programs.items():
            found[key].append(seconds(run))
    lines = [["instructions", "precision", *(f"{rows} rows" for rows in ROWS)]]
    for limit, precision in cases:
        cells = []
        for rows in ROWS:
            own, float32 = median(found[(limit, precision), rows]), median(found[(limit, "float32"), rows])
            cells.append(f"{1000 * own:.2f} ({float32 / own:.2f} ×)")
        lines.append([limit or "all", precision, *cells])
    print(table(lines))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.products",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--limit", action="append", choices=list(LIMITS))
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    main()
