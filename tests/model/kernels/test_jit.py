from __future__ import annotations

import pytest
import torch
from llvmlite import ir

from bot.model.kernels import jit as machines
from bot.model.kernels.builder import INT, Code
from bot.model.kernels.jit import Call, Machine, Processor, this_processor
from tests.support.driving import torch_threads


def squares() -> ir.Module:
    """A function that writes the square of each task's number."""
    module = ir.Module()
    code = Code(module, "squares", 2)
    with code.shared_loop(code.arguments[1]) as task:
        code.store(code.builder.trunc(code.builder.mul(task, task), INT), code.pointer(0), task)
    code.finish()
    return module


@pytest.mark.parametrize("own_threads", [False, True], ids=["OpenMP", "threads of its own"])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_function_is_run_by_all_threads(
    processor: Processor, threads: int, own_threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own_threads:
        # As where torch brings another OpenMP.
        monkeypatch.setattr(machines, "_openmp", lambda: None)
    machine = Machine(squares(), processor)
    out = torch.zeros(1000, dtype=torch.int32)
    with torch_threads(threads):
        machine.run(Call(machine.address("squares"), (out.data_ptr(), 1000)))
    assert out.tolist() == [n * n for n in range(1000)]


@pytest.mark.parametrize("own_threads", [False, True], ids=["OpenMP", "threads of its own"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_call_sees_all_that_the_calls_before_it_did(
    threads: int, own_threads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own_threads:
        monkeypatch.setattr(machines, "_openmp", lambda: None)
    machine = Machine(turned_round(), this_processor())
    numbers = torch.arange(1001, dtype=torch.int32)
    there, back = numbers.clone(), torch.zeros_like(numbers)
    address, places = machine.address("turn"), (there.data_ptr(), back.data_ptr())
    with torch_threads(threads):
        program = machine.program([Call(address, (*places, 1001)), Call(address, (*places[::-1], 1001))] * 3)
        for _ in range(50):
            program()
    assert torch.equal(there, numbers)
    assert torch.equal(back, numbers.flip(0))


def turned_round() -> ir.Module:
    """A function that writes each number of a row where the last is in the mirror."""
    module = ir.Module()
    code = Code(module, "turn", 3)
    b, count = code.builder, code.arguments[2]
    with code.shared_loop(count) as task:
        there = b.sub(b.sub(count, code.word(1)), task)
        code.store(code.load(INT, code.pointer(0), task), code.pointer(1), there)
    code.finish()
    return module


def test_the_module_is_checked(processor: Processor) -> None:
    module = ir.Module()
    code = Code(module, "broken", 1)
    code.builder.branch(code.builder.block)
    code.builder.position_at_end(code.builder.block)
    with pytest.raises(RuntimeError):
        Machine(module, processor)
