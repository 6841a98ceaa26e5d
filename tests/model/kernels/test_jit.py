from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from bot.model.kernels import jit
from bot.model.kernels.arguments import Arguments, Int32s, Signature
from bot.model.kernels.builder import INT, KernelBuilder, KernelModule
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import Processor, this_processor
from tests.model.kernels.conftest import CountArguments, VectorArguments
from tests.support.driving import torch_threads


@dataclass(kw_only=True)
class TurnArguments(Arguments):
    numbers: Int32s
    out: Int32s
    count: int


SQUARES = Signature("squares", CountArguments)
TURN = Signature("turn", TurnArguments)


def squares() -> KernelModule:
    """A kernel that writes the square of each task's number."""
    module = KernelModule()
    kernel = KernelBuilder(module, SQUARES)
    with kernel.shared_loop(kernel.arguments.count) as task:
        square = kernel.ir.trunc(kernel.ir.mul(task, task), INT)
        kernel.store(square, kernel.arguments.out, task)
    kernel.finish()
    return module


@pytest.mark.parametrize("own_threads", [False, True], ids=["OpenMP", "threads of its own"])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_kernel_is_run_by_all_threads(
    processor: Processor, threads: int, own_threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own_threads:
        # As on systems where torch ships another OpenMP.
        monkeypatch.setattr(jit, "openmp", lambda: None)
    kernels = Kernels.compiled(squares(), processor)
    out = torch.zeros(1000, dtype=torch.int32)
    with torch_threads(threads):
        kernels.run(kernels.kernel(SQUARES).call(CountArguments(out=out, count=1000)))
    assert out.tolist() == [n * n for n in range(1000)]


@pytest.mark.parametrize("own_threads", [False, True], ids=["OpenMP", "threads of its own"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_call_sees_what_the_calls_before_it_wrote(
    threads: int, own_threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own_threads:
        monkeypatch.setattr(jit, "openmp", lambda: None)
    kernels = Kernels.compiled(reversal(), this_processor())
    numbers = torch.arange(1001, dtype=torch.int32)
    there, back = numbers.clone(), torch.zeros_like(numbers)
    turn = kernels.kernel(TURN)
    with torch_threads(threads):
        forth = turn.call(TurnArguments(numbers=there, out=back, count=1001))
        program = kernels.program([forth, turn.call(TurnArguments(numbers=back, out=there, count=1001))] * 3)
        for _ in range(50):
            program()
    assert torch.equal(there, numbers)
    assert torch.equal(back, numbers.flip(0))


def reversal() -> KernelModule:
    """A kernel that writes a row's numbers in reverse order."""
    module = KernelModule()
    kernel = KernelBuilder(module, TURN)
    b, args = kernel.ir, kernel.arguments
    with kernel.shared_loop(args.count) as task:
        there = b.sub(b.sub(args.count, kernel.index(1)), task)
        kernel.store(kernel.load(INT, args.numbers, task), args.out, there)
    kernel.finish()
    return module


def test_a_kernel_that_was_not_built_cannot_be_called() -> None:
    """The address of a missing function would be 0."""
    kernels = Kernels.compiled(squares(), this_processor())
    with pytest.raises(LookupError, match="no kernel turn that takes TurnArguments was built"):
        kernels.kernel(TURN)


def test_a_kernel_built_with_other_arguments_cannot_be_called() -> None:
    kernels = Kernels.compiled(squares(), this_processor())
    with pytest.raises(LookupError, match="no kernel squares that takes VectorArguments was built"):
        kernels.kernel(Signature("squares", VectorArguments))


def test_the_module_is_checked(processor: Processor) -> None:
    module = KernelModule()
    kernel = KernelBuilder(module, SQUARES)
    kernel.ir.branch(kernel.ir.block)
    kernel.ir.position_at_end(kernel.ir.block)
    with pytest.raises(RuntimeError):
        Kernels.compiled(module, processor)
