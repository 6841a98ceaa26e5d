"""The arguments of a kernel: declared once, read and filled in by name.

A kernel is machine code: it would take any eight bytes for an address. So its arguments are a record of
typed fields, a subclass of ``Arguments``. The kernel's builder reads a record whose fields hold the
loaded values, a caller constructs one with its own values, and mypy checks both against the declaration.
Packing checks a caller's values once more, long before the kernel runs.

All threads that run a kernel get the address of the same block of memory, of a ``block_type``.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any, Generic, NewType, TypeVar, get_args, get_type_hints

import torch
from torch import Tensor

#: Arrays in memory. The kernel gets the address of the first number; the caller keeps the tensor alive.
Float32s = Annotated[Tensor, torch.float32]
Float64s = Annotated[Tensor, torch.float64]
Int32s = Annotated[Tensor, torch.int32]
Int64s = Annotated[Tensor, torch.int64]

#: The address of anything that is not a tensor, such as a function.
Address = NewType("Address", int)


class WrongArgument(TypeError):
    """A kernel's argument that is not what its declaration says."""


class Arguments:
    """Base of the records that declare what a kernel takes.

    A subclass is a keyword-only dataclass whose fields are ``int``, ``bool``, ``float`` (a float32 in
    the kernel), ``Address`` or one of the arrays above. It is not frozen: a pass takes hundreds of
    records, and frozen ones take five times as long to make.
    """


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class ArgumentKind:
    """What one argument may be. ``dtype`` is an array's type of numbers, None for all else."""

    type: type
    ctype: Any
    dtype: torch.dtype | None = None

    def __str__(self) -> str:
        return _described(self.type, self.dtype)


class Layout:
    """The kinds of a record's fields by name, and how their values lie in memory."""

    def __init__(self, kinds: dict[str, ArgumentKind]) -> None:
        class Values(ctypes.Structure):
            _fields_ = [(name, kind.ctype) for name, kind in kinds.items()]

        self.kinds, self.structure = kinds, Values
        # Whole lists are compared because that is fast: a pass packs hundreds of records.
        self._types = [kind.type for kind in kinds.values()]
        self._arrays = [name for name, kind in kinds.items() if kind.dtype]
        self._dtypes = [kind.dtype for kind in kinds.values() if kind.dtype]

    def offset(self, name: str) -> int:
        """The offset of an argument in a kernel's block, in bytes."""
        within: int = getattr(self.structure, name).offset
        begin: int = block_type(self.structure, threads=0).arguments.offset
        return begin + within

    def pack(self, kernel: str, arguments: Arguments) -> ctypes.Structure:
        """The arguments as the kernel reads them; WrongArgument if one is not as declared."""
        values = dict(vars(arguments))
        # Exact types: to isinstance, a bool is an int.
        types = [*map(type, values.values())]
        if types != self._types or [values[name].dtype for name in self._arrays] != self._dtypes:
            raise self._refusal(kernel, arguments)
        for name in self._arrays:
            values[name] = values[name].data_ptr()
        return self.structure(**values)

    def _refusal(self, kernel: str, arguments: Arguments) -> WrongArgument:
        given = {name: _described(type(v), getattr(v, "dtype", None)) for name, v in vars(arguments).items()}
        wrong = [
            f"{kind} as {name!r}, not {given[name]}"
            for name, kind in self.kinds.items()
            if given[name] != str(kind)
        ]
        return WrongArgument(f"{kernel} takes {', '.join(wrong)}")


@dataclass(frozen=True, slots=True)
class Signature(Generic[A]):
    """A kernel's name in its module, and the record of its arguments.

    WrongArgument if the record has a field of a kind that no kernel takes.
    """

    name: str
    arguments: type[A]
    layout: Layout = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layout", _layout(self.arguments))

    def pack(self, arguments: A) -> ctypes.Structure:
        """The arguments as the kernel reads them; WrongArgument if one is not as declared."""
        if type(arguments) is not self.arguments:
            given = type(arguments).__name__
            raise WrongArgument(f"{self.name} takes {self.arguments.__name__}, not {given}")
        return self.layout.pack(self.name, arguments)


@cache
def block_type(arguments: type[ctypes.Structure], threads: int) -> Any:
    """The type of the block that ``threads`` threads share while they run a kernel."""

    class Block(ctypes.Structure):
        _fields_ = [
            # How many threads have begun.
            ("begun", ctypes.c_int64),
            ("threads", ctypes.c_int64),
            ("arguments", arguments),
            # How many tasks of each thread's share have been taken.
            ("taken", ctypes.c_int64 * threads),
        ]

    return Block


def _layout(arguments: type[Arguments]) -> Layout:
    names = [declared.name for declared in fields(arguments)]  # type: ignore[arg-type]
    hints = get_type_hints(arguments, include_extras=True)
    return Layout({name: _kind(name, hints[name]) for name in names})


def _kind(name: str, hint: Any) -> ArgumentKind:
    simple = {
        int: ArgumentKind(int, ctypes.c_int64),
        bool: ArgumentKind(bool, ctypes.c_int64),
        float: ArgumentKind(float, ctypes.c_float),
        Address: ArgumentKind(int, ctypes.c_void_p),
    }
    match get_args(hint):
        case (tensor, torch.dtype() as dtype) if tensor is Tensor:
            return ArgumentKind(Tensor, ctypes.c_void_p, dtype)
    if hint not in simple:
        raise WrongArgument(f"no kernel takes {hint} as {name!r}")
    return simple[hint]


def _described(kind: type, dtype: object) -> str:
    return f"{kind.__name__} of {dtype}" if dtype else kind.__name__
