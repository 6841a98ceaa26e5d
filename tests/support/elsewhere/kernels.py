"""Kernels that run in a process of their own, for another processor."""

from __future__ import annotations

import ctypes
import struct
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from bot.model.kernels.arguments import A, Signature, block_type
from bot.model.kernels.builder import KernelModule
from bot.model.kernels.dispatch import Call, Program
from bot.model.kernels.jit import Kernel, Kernels, optimized
from bot.model.kernels.processor import Processor
from tests.support.elsewhere.machines import Machine

_HOST = Path(__file__).with_name("host.c")
# The instruction of AVX-VNNI: "{vex}" says that it is not AVX-512's of the same name.
_VNNI = "{vex}\tvpdpbusd"

#: Makes kernels of a module for a processor.
Compile = Callable[[KernelModule, Processor], Kernels]

#: The address of a tensor's whole storage, and its size in bytes.
Region = tuple[int, int]


def compiler_for(machine: Machine, folder: Path) -> Compile:
    """What compiles kernels for ``machine`` and lets them run there, with files in ``folder``."""
    if not machine.compiler:
        return Kernels.compiled
    return lambda module, processor: KernelsElsewhere(module, replace(machine, processor=processor), folder)


class _PlacedCall(Call):
    """A call, with the offset in its block and the storage of each tensor that it takes."""

    tensors: Sequence[tuple[int, Region]]


@dataclass(frozen=True)
class _PlacedKernel(Kernel[A]):
    def call(self, arguments: A) -> Call:
        call = _PlacedCall(self.address, self.signature.pack(arguments))
        layout = self.signature.layout
        call.tensors = [
            (layout.offset(name), _region(value))
            for name, value in vars(arguments).items()
            if isinstance(value, Tensor) and value.data_ptr()
        ]
        return call


class KernelsElsewhere(Kernels):
    """The kernels of ``module`` on ``machine``, run by one thread.

    A run sends all memory that its calls take there and back. CalledProcessError if it fails.
    """

    def __init__(self, module: KernelModule, machine: Machine, folder: Path) -> None:
        self._names = list(module.signatures)
        self._signatures = dict(module.signatures)
        self._emulator = machine.emulator
        # A model's kernels are beside those of others.
        self._folder = folder = Path(tempfile.mkdtemp(dir=folder))
        compiled = _compiled(folder, module, machine)
        table = folder / "kernels.c"
        declared = "".join(f"extern void {name}(void *);\n" for name in self._names)
        table.write_text(f"{declared}void (*const kernels[])(void *) = {{{', '.join(self._names)}}};\n")
        files = (_HOST, table, compiled)
        _checked(machine.compiler, "-O1", "-static", *map(str, files), "-lm", "-o", str(folder / "host"))

    def kernel(self, signature: Signature[A]) -> Kernel[A]:
        if self._signatures.get(signature.name) != signature:
            raise LookupError(f"no kernel {signature.name}")
        return _PlacedKernel(signature, self._names.index(signature.name))

    def program(self, calls: Sequence[Call]) -> Program:
        return lambda: self._run(calls)

    def run_alone(self, call: Call) -> None:
        self._run([call])

    def _run(self, calls: Sequence[Call]) -> None:
        placed = [call for call in calls if isinstance(call, _PlacedCall)]
        regions = list(dict.fromkeys(region for call in placed for _, region in call.tensors))
        host, job, result = (self._folder / name for name in ("host", "job", "result"))
        job.write_bytes(b"".join(_job(placed, regions)))
        _checked(*self._emulator, str(host), str(job), str(result))
        after = result.read_bytes()
        first = 0
        for address, size in regions:
            ctypes.memmove(address, after[first : first + size], size)
            first += size


def _region(tensor: Tensor) -> Region:
    storage = tensor.untyped_storage()
    return storage.data_ptr(), storage.nbytes()


def _compiled(folder: Path, module: KernelModule, machine: Machine) -> Path:
    """The kernels as a file that a linker takes."""
    compiled, target = optimized(module, machine.processor)
    if not machine.wide_encoding:
        file = folder / "kernels.o"
        file.write_bytes(target.emit_object(compiled))
        return file
    file = folder / "code.s"
    file.write_text(target.emit_assembly(compiled).replace(_VNNI, _VNNI.removeprefix("{vex}")))
    return file


def _job(calls: Sequence[_PlacedCall], regions: Sequence[Region]) -> list[bytes]:
    """What host.c reads."""
    parts = [_numbers(len(regions))]
    for address, size in regions:
        parts += [_numbers(size), ctypes.string_at(address, size)]
    parts.append(_numbers(len(calls)))
    for call in calls:
        kind = type(call.arguments)
        block: Any = block_type(kind, 1)(0, 1, call.arguments)
        parts += [_numbers(call.kernel, ctypes.sizeof(block)), bytes(block), _numbers(len(call.tensors))]
        for offset, region in call.tensors:
            pointer = int.from_bytes(bytes(block)[offset : offset + 8], "little")
            parts.append(_numbers(offset, regions.index(region), pointer - region[0]))
    return parts


def _numbers(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}q", *values)


def _checked(*command: str) -> None:
    subprocess.run(command, check=True)
