"""A kernel and its caller agree on every argument, or no machine code runs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest
import torch

from bot.model.kernels.arguments import (
    Address,
    Arguments,
    Float32s,
    Int32s,
    Int64s,
    Signature,
    WrongArgument,
)
from bot.model.kernels.attend import ATTEND
from bot.model.kernels.builder import FLOAT, INT, KernelBuilder, KernelModule
from bot.model.kernels.dispatch import DISPATCH
from bot.model.kernels.jit import Kernels
from bot.model.kernels.matmul import matmul_signature
from bot.model.kernels.pack import PACK
from bot.model.kernels.processor import this_processor
from tests.model.kernels.conftest import VECTOR, VectorArguments


@dataclass(kw_only=True)
class EchoArguments(Arguments):
    """One of each kind, in an order that needs padding."""

    flag: bool
    number: float
    floats: Float32s
    ratio: float
    words: Int32s
    count: int
    longs: Int64s
    place: Address


ECHO = Signature("echo", EchoArguments)


def values(**changed: Any) -> dict[str, Any]:
    taken = {
        "flag": True,
        "number": 0.1,
        "floats": torch.zeros(4),
        "ratio": -3.5,
        "words": torch.zeros(2, dtype=torch.int32),
        "count": 2**40,
        "longs": torch.tensor([-7]),
        "place": 0,
    }
    return {**taken, **changed}


def echo() -> KernelModule:
    """A kernel that writes what it reads from each of its arguments."""
    module = KernelModule()
    kernel = KernelBuilder(module, ECHO)
    b, args = kernel.ir, kernel.arguments
    long = kernel.ir.load(args.longs, typ=kernel.index(0).type)
    numbers = [args.number, args.ratio, b.sitofp(args.count, FLOAT), b.sitofp(long, FLOAT)]
    for n, number in enumerate(numbers):
        kernel.store(number, args.floats, kernel.index(n))
    kernel.store(b.zext(args.flag, INT), args.words, kernel.index(0))
    kernel.store(b.load(args.place, typ=INT), args.words, kernel.index(1))
    kernel.finish()
    return module


@pytest.mark.parametrize("flag", [True, False])
def test_a_kernel_reads_each_argument_that_its_caller_names(flag: bool) -> None:
    kernels, there = Kernels.compiled(echo(), this_processor()), torch.tensor([99], dtype=torch.int32)
    given = values(flag=flag, place=Address(there.data_ptr()))
    kernels.run(kernels.kernel(ECHO).call(EchoArguments(**given)))
    assert given["floats"].tolist() == pytest.approx([0.1, -3.5, 2**40, -7])
    assert given["words"].tolist() == [flag, 99]


def test_a_missing_argument_is_refused() -> None:
    given = values()
    del given["ratio"]
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'ratio'"):
        EchoArguments(**given)


def test_a_surplus_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'stride'"):
        EchoArguments(**values(stride=3))


def test_a_misnamed_argument_is_refused() -> None:
    given = values()
    given["cuont"] = given.pop("count")
    with pytest.raises(TypeError, match="unexpected keyword argument 'cuont'"):
        EchoArguments(**given)


def test_arguments_without_names_are_refused() -> None:
    untyped: Any = EchoArguments
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        untyped(*values().values())


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"count": 1.0}, "int as 'count', not float"),
        ({"count": True}, "int as 'count', not bool"),
        ({"count": torch.tensor(3)}, "int as 'count', not Tensor of torch.int64"),
        ({"flag": 1}, "bool as 'flag', not int"),
        ({"ratio": 2}, "float as 'ratio', not int"),
        ({"place": None}, "int as 'place', not NoneType"),
        ({"floats": 4711}, "Tensor of torch.float32 as 'floats', not int"),
        ({"floats": None}, "Tensor of torch.float32 as 'floats', not NoneType"),
        (
            {"floats": torch.zeros(4).double()},
            "Tensor of torch.float32 as 'floats', not Tensor of torch.float64",
        ),
        ({"words": torch.zeros(4)}, "Tensor of torch.int32 as 'words', not Tensor of torch.float32"),
        ({"longs": [1]}, "Tensor of torch.int64 as 'longs', not list"),
        ({"flag": 1, "count": 1.0}, "bool as 'flag', not int, int as 'count', not float"),
    ],
    ids=str,
)
def test_an_argument_of_another_type_is_refused_by_name(wrong: dict[str, Any], refusal: str) -> None:
    with pytest.raises(WrongArgument, match=f"^echo takes {refusal}$"):
        ECHO.pack(EchoArguments(**values(**wrong)))


def test_the_arguments_of_another_kernel_are_refused() -> None:
    other: Any = VectorArguments(x=torch.zeros(1), out=torch.zeros(1))
    with pytest.raises(WrongArgument, match="echo takes EchoArguments, not VectorArguments"):
        ECHO.pack(other)


def test_a_builder_cannot_read_an_argument_that_is_not_declared() -> None:
    arguments: Any = KernelBuilder(KernelModule(), ECHO).arguments
    with pytest.raises(AttributeError, match="'EchoArguments' object has no attribute 'cuont'"):
        _ = arguments.cuont


def test_a_builder_cannot_use_an_argument_as_another_type() -> None:
    module = KernelModule()
    kernel = KernelBuilder(module, VECTOR)
    with kernel.loop(kernel.arguments.x):
        pass
    kernel.finish()
    with pytest.raises(RuntimeError, match="defined with type 'ptr'"):
        Kernels.compiled(module, this_processor())


def test_an_argument_of_a_kind_that_no_kernel_takes_cannot_be_declared() -> None:
    @dataclass(kw_only=True)
    class Named(Arguments):
        name: str

    with pytest.raises(WrongArgument, match="no kernel takes <class 'str'> as 'name'"):
        Signature("named", Named)


@pytest.mark.parametrize("signature", [ATTEND, PACK, matmul_signature(1), DISPATCH], ids=lambda s: s.name)
def test_arguments_can_only_be_given_by_name(signature: Signature[Any]) -> None:
    assert all(argument.kw_only for argument in fields(signature.arguments))
