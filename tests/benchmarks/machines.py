"""Whether other kinds of processor compute the same bits.

    python -m tests.benchmarks.machines [--only ARM] [--precision int8]

This processor and every machine of ``tests.support.elsewhere.machines`` compute the logits of the demo model
and of models of odd shapes, layers of numbers that are hard to multiply, and from other logits the random
numbers of several seeds, the tokens that they draw and all that is reported of them. Those machines are this
processor with fewer instructions, and ARM's in QEMU's emulator (Debian's qemu-user, gcc-aarch64-linux-gnu and
libc6-dev-arm64-cross), which says nothing of their speed. The exit status is 1 if a number differs.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor
from transformers import GPT2LMHeadModel
from transformers.utils import logging

from bot.model.gpt2.transformer import GPT2, Chunk
from bot.model.kernels.forms import form_of
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import Processor, this_processor
from bot.model.model_info import Precision
from bot.settings import DEMO_MODEL
from tests.benchmarks.report import table
from tests.model.conftest import gpt2_of, random_model
from tests.support.driving import every_row, sampling_kernels_for, some_ids
from tests.support.elsewhere.kernels import Compile, compiler_for
from tests.support.elsewhere.machines import Machine, machines
from tests.support.layers import bits, hard_numbers, layer_of, matmul_of
from tests.support.sampled import sampled

GPT2_VOCABULARY = 50_257
VOCABULARY = 97  # of the odd models; the demo model has more
ODD_MODELS: tuple[dict[str, Any], ...] = (
    {"n_head": 1, "n_embd": 24, "n_inner": 40},
    {"n_head": 4, "n_embd": 12, "n_layer": 3},
    {"n_head": 2, "n_embd": 160, "scale_attn_by_inverse_layer_idx": True},
)
LAYERS = ((70, 83), (1, 5), (259, 31), (1280, 48))  # [in, out]


def models() -> Iterator[GPT2LMHeadModel]:
    yield GPT2LMHeadModel.from_pretrained(DEMO_MODEL)
    for config in ODD_MODELS:
        yield random_model(vocab_size=VOCABULARY, **config)


@torch.inference_mode()
def logits(model: GPT2) -> Iterator[Tensor]:
    """The logits of a text read at once, and of three texts written side by side."""
    yield model.all_logits(some_ids(40, vocabulary=VOCABULARY))
    store = model.new_store(3)
    caches = [store.new_cache() for _ in range(3)]
    chunks = [
        every_row(cache, some_ids(length, vocabulary=VOCABULARY))
        for cache, length in zip(caches, (1, 9, 33), strict=True)
    ]
    yield model.next_logits(model.forward(chunks))
    for token_id in some_ids(3, seed=1, vocabulary=VOCABULARY):
        yield model.next_logits(model.forward([Chunk(cache, (token_id,), 1) for cache in caches]))


def computed(precision: Precision, processor: Processor, compile_for: Compile) -> Tensor:
    """The bits of all logits and all layers' outputs, one after the other."""
    found: list[Tensor] = []
    for model in models():
        ours = gpt2_of(model, precision=precision, processor=processor, compile_for=compile_for)
        found += logits(ours)
    matmul = matmul_of(precision, processor, compile_for)
    for inputs, outputs in LAYERS:
        weight, bias, x = hard_numbers(inputs, outputs, rows=21)
        layer = layer_of(matmul, weight, bias)
        found += [layer(x[:rows]) for rows in (1, 2, 5, 21)]
    return torch.cat([bits(numbers).flatten() for numbers in found])


def chosen(processor: Processor, compile_for: Compile) -> Tensor:
    """The bits of random numbers, draws and reports."""
    return sampled(sampling_kernels_for(processor, compile_for), GPT2_VOCABULARY)


def main() -> int:
    options = parse()
    torch.set_num_threads(1)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    expected = {
        precision: computed(precision, this_processor(), Kernels.compiled)
        for precision in options.precision or get_args(Precision)
    }
    tokens = chosen(this_processor(), Kernels.compiled)
    rows = [["machine", "run on", *expected, "draws and reports"]]
    rows.append(["this one", "this processor", *(form(name, this_processor()) for name in expected), ""])
    total = 0
    for machine in (machine for machine in machines() if options.only in machine.name):
        cells = []
        for precision, ours in expected.items():
            differing = compared(machine, partial(computed, precision), ours)
            total += differing or 0
            cells.append(f"{form(precision, machine.processor)}: {shown(machine, differing)}")
        differing = compared(machine, chosen, tokens)
        total += differing or 0
        rows.append([machine.name, machine.how, *cells, shown(machine, differing)])
    print(table(rows))
    counts = [f"{len(ours):,} numbers in {name}" for name, ours in expected.items()]
    print(f"\nOf {', '.join(counts)}, and {len(tokens):,} of draws and reports.")
    return 1 if total else 0


def compared(
    machine: Machine, compute: Callable[[Processor, Compile], Tensor], expected: Tensor
) -> int | None:
    """How many numbers differ on ``machine``; None if it cannot be run here."""
    if machine.lacking:
        return None
    with tempfile.TemporaryDirectory() as folder:
        found = compute(machine.processor, compiler_for(machine, Path(folder)))
    return int((found != expected).sum())


def shown(machine: Machine, differing: int | None) -> str:
    return machine.lacking if differing is None else f"{differing:,} differ"


def form(precision: Precision, processor: Processor) -> str:
    return type(form_of(precision, processor)).__name__


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.machines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", help="only machines whose names contain this text")
    parser.add_argument("--precision", action="append", choices=get_args(Precision))
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
