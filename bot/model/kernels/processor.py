"""What a processor offers, and what a test or a benchmark lets kernels use of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import llvmlite.binding as llvm
import torch

from bot.model.kernels.lesser_processors import LIMITS, Limit

# The rows and vectors of a tile, by the first of these features that a processor has: the sums, a vector
# of each weight and a row's number fill its registers.
_SHAPES = {
    "avx512f": (12, 2),  # 32 registers of a whole vector
    "avx2": (6, 1),  # 16 of half a vector
    "neon": (6, 1),  # 32 of a quarter
}
_OTHERWISE = (2, 1)


@dataclass(frozen=True, slots=True)
class Processor:
    """A kind of processor. ``name`` and ``features``, a list of its instructions, are LLVM's.

    Its registers hold the sums of a tile of ``rows`` rows and ``vectors`` vectors of outputs.
    ``triple`` is LLVM's name of the kind of machine; empty for this one.
    """

    name: str
    features: str
    rows: int
    vectors: int
    triple: str = ""

    def has(self, *features: str) -> bool:
        """Whether it has all of these instructions."""
        return {f"+{feature}" for feature in features} <= set(self.features.split(","))


def this_processor(limit: Limit | None = None) -> Processor:
    """This machine's processor, without what one of the kind ``limit`` lacks."""
    features: dict[str, bool] = dict(llvm.get_host_cpu_features())
    lacking = LIMITS[limit] if limit else ()
    features = {name: here and not name.startswith(lacking) for name, here in features.items()}
    if features.get("avx512f"):
        # On some processors, LLVM prefers half of a wide register.
        features["prefer-256-bit"] = False
    # LLVM itself finds few of ARM's.
    here = torch.cpu.get_capabilities()
    if here["architecture"] == "arm64":
        features |= {"neon": True, "dotprod": here.get("dot", False), "i8mm": here.get("i8mm", False)}
    return processor_of(llvm.get_host_cpu_name(), features)


def processor_of(name: str, features: Mapping[str, bool], triple: str = "") -> Processor:
    """The processor that LLVM calls ``name``, with some ``features`` and without others."""
    rows, vectors = next((shape for has, shape in _SHAPES.items() if features.get(has)), _OTHERWISE)
    listed = ",".join(f"{'+' if present else '-'}{feature}" for feature, present in sorted(features.items()))
    return Processor(name, listed, rows, vectors, triple)
