"""Running kernels, one after the other, each by all of torch's threads.

Starting the threads and coming back to Python takes longer than some of the kernels. So a program
starts the threads once, with the kernel ``DISPATCH``: it calls the others in order, and makes the threads
wait for each other after each call.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import torch
from llvmlite import ir

from bot.model.kernels.arguments import Address, Arguments, Signature, block_type
from bot.model.kernels.builder import INDEX, POINTER, KernelBuilder, KernelModule


@dataclass(kw_only=True)
class DispatchArguments(Arguments):
    kernels: Address  # [count] addresses
    blocks: Address  # [count] addresses, one for each kernel
    count: int
    barrier: Address  # a function at which the threads wait for each other


DISPATCH = Signature("dispatch", DispatchArguments)


class Call(NamedTuple):
    """A compiled kernel and its packed arguments, which do not keep the tensors alive."""

    kernel: int
    arguments: ctypes.Structure


def write_dispatch(module: KernelModule) -> None:
    """Add ``DISPATCH`` to ``module``."""
    kernel = KernelBuilder(module, DISPATCH)
    args = kernel.arguments
    with kernel.loop(args.count) as n:
        _call_at(kernel, kernel.load(POINTER, args.kernels, n), kernel.load(POINTER, args.blocks, n))
        _call_at(kernel, args.barrier)
    kernel.finish()


def _call_at(kernel: KernelBuilder[DispatchArguments], address: ir.Value, *values: ir.Value) -> None:
    # By way of an integer: llvmlite calls no pointer that does not name the function's type.
    function = ir.FunctionType(ir.VoidType(), [value.type for value in values]).as_pointer()
    b = kernel.ir
    b.call(b.inttoptr(b.ptrtoint(address, INDEX), function), values)


class Program(Protocol):
    """Calls that can be run again and again, each time on what their arrays hold by then."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Team:
    """torch's own threads: others beside them would compete for the same cores."""

    launch: Callable[[int, int, int, int], None]
    barrier: Address


def openmp() -> Team | None:
    """The threads of torch's OpenMP, where it is GNU's."""
    try:
        library = ctypes.CDLL(torch._C.__file__)  # noqa: SLF001
        launch, barrier = library.GOMP_parallel, library.GOMP_barrier
    except (AttributeError, OSError):
        return None
    launch.restype = None
    launch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
    return Team(launch, Address(ctypes.cast(barrier, ctypes.c_void_p).value or 0))


class DispatchedProgram:
    """All calls with one start of the team, by ``DISPATCH``, which is compiled at address ``dispatch``."""

    def __init__(self, calls: Sequence[Call], dispatch: int, team: Team) -> None:
        self._dispatch, self._launch, self._threads = dispatch, team.launch, torch.get_num_threads()
        layout, blocks = _memory_type(tuple(type(call.arguments) for call in calls), self._threads)
        self._memory = memory = layout()
        base = ctypes.addressof(memory)
        for call, name in zip(calls, blocks, strict=True):
            block = getattr(memory, name)
            block.threads, block.arguments = self._threads, call.arguments
        memory.kernels[:] = [call.kernel for call in calls]
        memory.blocks[:] = [base + offset for offset in blocks.values()]
        arguments = DispatchArguments(
            kernels=Address(base + layout.kernels.offset),
            blocks=Address(base + layout.blocks.offset),
            count=len(calls),
            barrier=team.barrier,
        )
        memory.dispatch = (0, self._threads, DISPATCH.pack(arguments))
        self._block = base + layout.dispatch.offset
        self._pristine = bytes(memory)

    def __call__(self) -> None:
        # The threads count in the blocks what they have begun and taken.
        ctypes.memmove(ctypes.addressof(self._memory), self._pristine, len(self._pristine))
        self._launch(self._dispatch, self._block, self._threads, 0)


class SeparateProgram:
    """Each call with ``threads`` of its own, one of them the caller's."""

    def __init__(self, calls: Sequence[Call], threads: int) -> None:
        self._calls, self._threads = calls, threads

    def __call__(self) -> None:
        for call in self._calls:
            block = block_type(type(call.arguments), self._threads)(0, self._threads, call.arguments)
            task = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(call.kernel)
            others = [
                threading.Thread(target=task, args=(ctypes.addressof(block),))
                for _ in range(self._threads - 1)
            ]
            for thread in others:
                thread.start()
            task(ctypes.addressof(block))
            for thread in others:
                thread.join()


# A model has a few kinds of program, and their memory does not depend on the number of rows.
@lru_cache(maxsize=64)
def _memory_type(arguments: tuple[type[ctypes.Structure], ...], threads: int) -> tuple[Any, dict[str, int]]:
    """The memory of a program whose calls take ``arguments``, and the offsets of their blocks by name."""
    addresses = ctypes.c_void_p * len(arguments)
    blocks = {f"block_{n}": block_type(taken, threads) for n, taken in enumerate(arguments)}

    class Memory(ctypes.Structure):
        _fields_ = [
            ("dispatch", block_type(DISPATCH.layout.structure, threads)),
            ("kernels", addresses),
            ("blocks", addresses),
            *blocks.items(),
        ]

    return Memory, {name: getattr(Memory, name).offset for name in blocks}
