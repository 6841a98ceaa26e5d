"""A kernel computes what its builder wrote, operation by operation."""

from __future__ import annotations

import pytest
import torch
from llvmlite import ir

from bot.model.kernels.arguments import Signature
from bot.model.kernels.builder import INT, LANES, KernelBuilder, KernelModule, Variable
from bot.model.kernels.jit import Kernels
from bot.model.kernels.processor import this_processor
from tests.model.kernels.conftest import CountArguments, vector_function
from tests.support.driving import torch_threads


def test_fma_rounds_once() -> None:
    third = 1 / 3
    fma = vector_function(lambda kernel, x: kernel.fma(x, kernel.floats(third), kernel.floats(-1.0)))
    got = fma(torch.full((LANES,), 3.0))
    rounded = torch.tensor(third, dtype=torch.float32).double()
    assert torch.equal(got, (3 * rounded - 1).float().expand(LANES))
    assert got[0] != torch.tensor(3.0) * torch.tensor(third) - 1  # rounded twice


def test_a_loop_steps_up_to_its_end_and_a_variable_keeps_its_value() -> None:
    signature, module = Signature("steps", CountArguments), KernelModule()
    kernel = KernelBuilder(module, signature)
    total = Variable(kernel, kernel.index(0))
    with kernel.loop(kernel.arguments.count, 3) as outer, kernel.loop(outer) as inner:
        total.set(kernel.ir.add(total.get(), kernel.ir.mul(outer, inner)))
    kernel.store(kernel.ir.trunc(total.get(), INT), kernel.arguments.out, kernel.index(0))
    kernel.finish()
    kernels = Kernels.compiled(module, this_processor())
    for stop in (0, 1, 3, 4, 10):
        out = torch.zeros(1, dtype=torch.int32)
        kernels.run(kernels.kernel(signature).call(CountArguments(out=out, count=stop)))
        assert out.item() == sum(a * b for a in range(0, stop, 3) for b in range(a))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_shared_loop_does_each_task_once_with_any_number_of_threads(threads: int) -> None:
    signature, module = Signature("count", CountArguments), KernelModule()
    kernel = KernelBuilder(module, signature)
    out = kernel.arguments.out
    with kernel.shared_loop(kernel.arguments.count) as task:
        kernel.store(kernel.ir.add(kernel.load(INT, out, task), ir.Constant(INT, 1)), out, task)
    kernel.finish()
    kernels = Kernels.compiled(module, this_processor())
    done = torch.zeros(5000, dtype=torch.int32)
    with torch_threads(threads):
        kernels.run(kernels.kernel(signature).call(CountArguments(out=done, count=4999)))
    assert done.tolist() == [1] * 4999 + [0]
