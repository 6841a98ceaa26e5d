"""Compiles kernels, and runs them here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self

import llvmlite.binding as llvm
import torch

from bot.model.kernels.arguments import A, Signature
from bot.model.kernels.builder import KernelModule
from bot.model.kernels.dispatch import (
    DISPATCH,
    Call,
    DispatchedProgram,
    Program,
    SeparateProgram,
    openmp,
    write_dispatch,
)
from bot.model.kernels.processor import Processor


@dataclass(frozen=True, slots=True)
class Kernel(Generic[A]):
    """A compiled kernel, good as long as the ``Kernels`` that it is one of."""

    signature: Signature[A]
    address: int

    def call(self, arguments: A) -> Call:
        """A call to be made by a program; WrongArgument if an argument is not as declared.

        The arrays must live as long as the program does.
        """
        return Call(self.address, self.signature.pack(arguments))


class Kernels:
    """Kernels in ``code``, what :func:`object_code` made of a module with these ``signatures``.

    RuntimeError if it is none.
    """

    def __init__(self, code: bytes, signatures: Iterable[Signature[Any]]) -> None:
        self.code = code
        self._signatures = {signature.name: signature for signature in (*signatures, DISPATCH)}
        _prepare()
        target = llvm.Target.from_default_triple().create_target_machine()
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        self._dispatch = self.kernel(DISPATCH).address
        self._team = openmp()

    @classmethod
    def compiled(cls, module: KernelModule, processor: Processor) -> Self:
        """The kernels of ``module``, compiled for ``processor``."""
        return cls(object_code(module, processor), module.signatures.values())

    def kernel(self, signature: Signature[A]) -> Kernel[A]:
        """The kernel with ``signature``; LookupError if none was built with exactly that."""
        if self._signatures.get(signature.name) != signature:
            raise LookupError(
                f"no kernel {signature.name} that takes {signature.arguments.__name__} was built"
            )
        return Kernel(signature, int(self._engine.get_function_address(signature.name)))

    def program(self, calls: Sequence[Call]) -> Program:
        """The calls, one after the other, each by as many threads as torch has."""
        if self._team is None:  # this torch has another OpenMP
            return SeparateProgram(calls, torch.get_num_threads())
        return DispatchedProgram(calls, self._dispatch, self._team)

    def run(self, *calls: Call) -> None:
        self.program(calls)()

    def run_alone(self, call: Call) -> None:
        """Run one call by this thread alone, beside which others may run theirs."""
        SeparateProgram([call], threads=1)()


def object_code(module: KernelModule, processor: Processor) -> bytes:
    """``module`` and what runs its kernels, compiled for ``processor``; RuntimeError if it is not valid."""
    write_dispatch(module)
    compiled, target = optimized(module, processor)
    return bytes(target.emit_object(compiled))


def optimized(module: KernelModule, processor: Processor) -> tuple[llvm.ModuleRef, llvm.TargetMachine]:
    """``module`` as LLVM would compile it for ``processor``; RuntimeError if it is not valid."""
    _prepare()
    triple = processor.triple or llvm.get_default_triple()
    target = llvm.Target.from_triple(triple).create_target_machine(
        cpu=processor.name, features=processor.features, opt=3
    )
    compiled = llvm.parse_assembly(str(module))
    compiled.verify()
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    # The loops are already as they should be.
    tuning.loop_vectorization = tuning.slp_vectorization = tuning.loop_unrolling = False
    passes = llvm.create_pass_builder(target, tuning)
    passes.getModulePassManager().run(compiled, passes)
    return compiled, target


def _prepare() -> None:
    """Let LLVM compile for this kind of machine."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
