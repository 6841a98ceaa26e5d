"""Machines to run kernels on: this one with fewer instructions, and emulated ones."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

import llvmlite.binding as llvm

from bot.model.kernels.lesser_processors import Limit
from bot.model.kernels.processor import Processor, processor_of, this_processor

_ARM = "aarch64-unknown-linux-gnu"


@dataclass(frozen=True, slots=True)
class Machine:
    """A ``processor``, and ``how`` its code is run here: in this process, or linked by ``compiler``.

    ``emulator`` is the beginning of the command that runs what was linked. With ``wide_encoding``,
    AVX-VNNI's instruction is written as AVX-512's of the same name.
    """

    name: str
    how: str
    processor: Processor
    compiler: str = ""
    emulator: tuple[str, ...] = ()
    wide_encoding: bool = False

    @property
    def lacking(self) -> str:
        """What is missing here to run its code; empty if nothing is."""
        programs = [name for name in (self.compiler, *self.emulator[:1]) if name and not shutil.which(name)]
        if programs:
            return f"{' and '.join(programs)} not installed"
        if self.wide_encoding and not this_processor().has("avx512vnni", "avx512vl"):
            return "this processor lacks AVX512_VNNI"
        return ""


def machines() -> list[Machine]:
    """Machines whose bits are compared with this one's; all ARM cores listed here have NEON."""
    return [
        _limited("AVX-512 without VNNI and BF16", "avx512"),
        _avx_vnni(),
        _limited("AVX2", "avx2"),
        _limited("x86-64 of 2003", "x86-64"),
        _arm("Cortex-A72 (Raspberry Pi 4)", "cortex-a72", "cortex-a72"),
        _arm("Cortex-A76 (Raspberry Pi 5)", "cortex-a76", "cortex-a76", "dotprod"),
        _arm("Neoverse N1 (Graviton 2)", "neoverse-n1", "neoverse-n1", "dotprod"),
        _arm("Neoverse V1 (Graviton 3)", "neoverse-v1", "max", "dotprod", "i8mm"),
    ]


def _limited(name: str, limit: Limit) -> Machine:
    return Machine(name, "this processor, limited", this_processor(limit))


def _arm(name: str, cpu: str, emulated: str, *features: str) -> Machine:
    """An ARM processor that LLVM calls ``cpu`` and QEMU ``emulated``."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    processor = processor_of(cpu, dict.fromkeys(("neon", *features), True), _ARM)
    emulator = ("qemu-aarch64", "-cpu", emulated)
    return Machine(name, " ".join(emulator), processor, "aarch64-linux-gnu-gcc", emulator)


def _avx_vnni() -> Machine:
    here = this_processor("avx2")
    processor = replace(here, features=f"{here.features},+avxvnni")
    how = "this processor, in AVX-512's encoding"
    return Machine("AVX-VNNI", how, processor, "gcc", wide_encoding=True)
