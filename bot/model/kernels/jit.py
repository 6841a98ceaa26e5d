"""From instructions to functions of this processor, and calling them with several threads."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import llvmlite.binding as llvm
import torch
from llvmlite import ir

from bot.model.kernels.dispatch import NAME as SEQUENCE
from bot.model.kernels.dispatch import write_sequence


@dataclass(frozen=True, slots=True)
class Processor:
    """What a processor offers. ``features`` is LLVM's list of its instructions.

    Its registers hold the sums of ``rows`` rows and ``vectors`` vectors of outputs.
    """

    name: str
    features: str
    rows: int
    vectors: int
    multiplies_bfloat16: bool
    multiplies_bytes: bool


def this_processor() -> Processor:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    wide = features.get("avx512f", False)
    return Processor(
        name=llvm.get_host_cpu_name(),
        # LLVM would rather use half of a wide register on some processors.
        features=",".join([features.flatten(), *(["-prefer-256-bit"] if wide else [])]),
        rows=12 if wide else 5,
        vectors=2 if wide else 1,
        multiplies_bfloat16=wide and features.get("avx512bf16", False),
        multiplies_bytes=wide and features.get("avx512vnni", False),
    )


class Call(NamedTuple):
    """The function at ``address``, and its arguments as ``bot.model.kernels.builder`` has them."""

    address: int
    words: tuple[int, ...]


class Machine:
    """The functions of ``module``, compiled for ``processor``.

    Each takes the address of an array of words and is run by all threads at once.
    """

    def __init__(self, module: ir.Module, processor: Processor) -> None:
        write_sequence(module)
        target = llvm.Target.from_default_triple().create_target_machine(
            cpu=processor.name, features=processor.features, opt=3
        )
        compiled = llvm.parse_assembly(str(module))
        compiled.verify()
        tuning = llvm.create_pipeline_tuning_options(speed_level=2)
        # The loops are as they shall be.
        tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_unrolling = False
        passes = llvm.create_pass_builder(target, tuning)
        passes.getModulePassManager().run(compiled, passes)
        self._engine = llvm.create_mcjit_compiler(compiled, target)
        self._engine.finalize_object()
        self._team = _openmp()

    def address(self, name: str) -> int:
        """Of the function ``name``."""
        return int(self._engine.get_function_address(name))

    def program(self, calls: Sequence[Call]) -> Program:
        """``calls``, one after the other, each by torch's number of threads. Keep this alive."""
        if self._team is None:
            return _Separate(calls)
        return _Sequence(calls, self.address(SEQUENCE), self._team)

    def run(self, *calls: Call) -> None:
        self.program(calls)()


class Program(Protocol):
    """Calls that can be made again and again, with what then is where their arguments point."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Team:
    """torch's own threads: others beside them would compete for the same cores."""

    launch: Callable[[int, int, int, int], None]
    barrier: int


class _Sequence:
    """All calls with one start of the threads."""

    def __init__(self, calls: Sequence[Call], sequence: int, team: _Team) -> None:
        self._launch, self._threads = team.launch, torch.get_num_threads()
        blocks = [_block(call, self._threads) for call in calls]
        size = 2 * len(calls) + sum(map(len, blocks)) + 5
        self._words = (ctypes.c_int64 * size)()
        base = ctypes.addressof(self._words)
        table, filled = list[int](), list[int]()
        for call, block in zip(calls, blocks, strict=True):
            table += [call.address, base + 8 * (2 * len(calls) + len(filled))]
            filled += block
        own = [0, self._threads, base, len(calls), team.barrier]
        self._pristine = (ctypes.c_int64 * size)(*table, *filled, *own)
        self._address, self._arguments = sequence, base + 8 * (size - len(own))

    def __call__(self) -> None:
        # The threads count in them what they have done.
        ctypes.memmove(self._words, self._pristine, ctypes.sizeof(self._words))
        self._launch(self._address, self._arguments, self._threads, 0)


class _Separate:
    """Each call with threads of its own, for systems whose torch has another OpenMP."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls, self._threads = calls, torch.get_num_threads()

    def __call__(self) -> None:
        for call in self._calls:
            block = _block(call, self._threads)
            words = (ctypes.c_int64 * len(block))(*block)
            task = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(call.address)
            others = [threading.Thread(target=task, args=(words,)) for _ in range(self._threads - 1)]
            for thread in others:
                thread.start()
            task(words)
            for thread in others:
                thread.join()


def _block(call: Call, threads: int) -> list[int]:
    """The words of a call before it is made."""
    return [0, threads, *call.words, *[0] * threads]


def _openmp() -> _Team | None:
    try:
        library = ctypes.CDLL(torch._C.__file__)  # noqa: SLF001
        launch, barrier = library.GOMP_parallel, library.GOMP_barrier
    except (AttributeError, OSError):
        return None
    launch.restype = None
    launch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    return _Team(launch, ctypes.cast(barrier, ctypes.c_void_p).value or 0)
