"""From instructions to functions of this processor, and calling them with several threads."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass

import llvmlite.binding as llvm
import torch
from llvmlite import ir

Launch = Callable[[int, "ctypes.Array[ctypes.c_int64]", int], None]


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


class Machine:
    """The functions of ``module``, compiled for ``processor``.

    Each takes the address of an array of words and is run by all threads at once.
    """

    def __init__(self, module: ir.Module, processor: Processor) -> None:
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
        self._addresses: dict[str, int] = {}
        self._launch = _openmp() or _by_threads

    def address(self, name: str) -> int:
        """Of the function ``name``, for ``start``."""
        if name not in self._addresses:
            self._addresses[name] = int(self._engine.get_function_address(name))
        return self._addresses[name]

    def start(self, address: int, tasks: int, *words: int) -> None:
        """Let torch's number of threads, or ``tasks`` if they are fewer, run the function there.

        It is given ``words`` as its arguments, as ``bot.model.native.emit`` has them.
        """
        threads = min(tasks, torch.get_num_threads())
        arguments = (ctypes.c_int64 * (2 + len(words) + threads))(0, threads, *words)
        self._launch(address, arguments, threads)


def _openmp() -> Launch | None:
    """torch's own threads: others beside them would compete for the same cores."""
    try:
        launch = ctypes.CDLL(torch._C.__file__).GOMP_parallel  # noqa: SLF001
    except (AttributeError, OSError):
        return None
    launch.restype = None
    launch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    return lambda address, arguments, threads: launch(address, arguments, threads, 0)


def _by_threads(address: int, arguments: ctypes.Array[ctypes.c_int64], threads: int) -> None:
    """For systems whose torch has another OpenMP."""
    task = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
    others = [threading.Thread(target=task, args=(arguments,)) for _ in range(threads - 1)]
    for thread in others:
        thread.start()
    task(arguments)
    for thread in others:
        thread.join()
