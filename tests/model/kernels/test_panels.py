from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from llvmlite import ir

from bot.model.kernels.arguments import Arguments, Int64s, Signature
from bot.model.kernels.builder import INDEX, KernelBuilder, KernelModule
from bot.model.kernels.dispatch import SeparateProgram
from bot.model.kernels.jit import Kernels
from bot.model.kernels.matmul import tile_sizes
from bot.model.kernels.panels import panels_at_once, share_out
from bot.model.kernels.processor import processor_of, this_processor


@dataclass(kw_only=True)
class CountArguments(Arguments):
    panels: int
    taken: Int64s  # how often each panel was taken
    groups: Int64s  # how many were taken with it, itself included


COUNT = Signature("count", CountArguments)


def counting(at_once: int) -> Kernels:
    module = KernelModule()
    kernel = KernelBuilder(module, COUNT)
    b, args = kernel.ir, kernel.arguments

    def take(panel: ir.Value, count: int) -> None:
        for n in range(count):
            at = b.add(panel, kernel.index(n))
            kernel.store(b.add(kernel.load(INDEX, args.taken, at), kernel.index(1)), args.taken, at)
            kernel.store(kernel.index(count), args.groups, at)

    share_out(kernel, args.panels, at_once, take)
    kernel.finish()
    return Kernels.compiled(module, this_processor())


@pytest.mark.parametrize("at_once", [1, 2, 3, 4])
def test_every_panel_is_taken_once_whatever_the_threads(at_once: int) -> None:
    kernels = counting(at_once)
    for threads in (1, 2, 5):
        for panels in (0, 1, 3, 4, 7, 8, 19, 20, 41):
            taken, groups = torch.zeros(2, panels, dtype=torch.int64)
            call = kernels.kernel(COUNT).call(CountArguments(panels=panels, taken=taken, groups=groups))
            SeparateProgram([call], threads)()
            assert taken.tolist() == [1] * panels
            grouped = panels // (at_once * threads) * at_once * threads
            assert groups.tolist() == [at_once] * grouped + [1] * (panels - grouped)


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("avx512f", {1: 4, 2: 4, 4: 3, 8: 1, 12: 1}),
        ("avx2", {1: 4, 2: 3, 4: 1, 6: 1}),
        ("sse2", {1: 2, 2: 1}),
    ],
)
def test_a_processor_takes_as_many_panels_as_its_registers_hold(
    feature: str, expected: dict[int, int]
) -> None:
    processor = processor_of("generic", {feature: True})
    assert {rows: panels_at_once(rows, processor) for rows in tile_sizes(processor)} == expected
