"""What a way to multiply rows by weights consists of; ``forms`` lists them all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from llvmlite import ir

from bot.model.kernels.builder import KernelBuilder

Kernel = KernelBuilder[Any]

#: What a row's numbers are packed as. ``rounded`` is float32 that hold bfloat16; ``unsigned`` are bytes
#: that are never negative, because ``ZERO_POINT`` stands for 0.
RowNumbers = Literal["float32", "bfloat16", "rounded", "unsigned", "signed", "short"]
ROW_BYTES: dict[RowNumbers, int] = {
    "float32": 4,
    "bfloat16": 2,
    "rounded": 4,
    "unsigned": 1,
    "signed": 1,
    "short": 2,
}
ZERO_POINT = 128


class Form(ABC):
    """A way to multiply and add, by instructions that some processors have.

    A *word* is what it takes at a time of one row, and of the weights of one output: ``inputs`` numbers.
    So packed rows and weights are only good for forms with the same words.
    """

    #: LLVM's names of the instructions that it needs.
    needs: ClassVar[tuple[str, ...]] = ()
    inputs: ClassVar[int]
    weight_bytes: ClassVar[int]  # of one number
    row_numbers: ClassVar[RowNumbers]
    #: The count of rows whose sums are in one value.
    together: ClassVar[int] = 1

    @property
    def word_bytes(self) -> int:
        """Bytes in a word of weights."""
        return self.inputs * self.weight_bytes

    @property
    def row_word_bytes(self) -> int:
        """Bytes in a word of a row."""
        return self.inputs * ROW_BYTES[self.row_numbers]

    @property
    def zero_point(self) -> int:
        """What a row's 0 is packed as."""
        return ZERO_POINT if self.row_numbers == "unsigned" else 0

    @abstractmethod
    def weights(self, kernel: Kernel, panel: ir.Value, word: ir.Value) -> Sequence[ir.Value]:
        """The words of ``LANES`` outputs, from number ``word`` of ``panel`` on, in parts to add in turn."""

    @abstractmethod
    def row(self, kernel: Kernel, tile: ir.Value, word: ir.Value, rows: int) -> Sequence[ir.Value]:
        """Word number ``word`` of ``tile`` and those of ``rows`` - 1 rows beside it, in the same parts."""

    @abstractmethod
    def add(self, kernel: Kernel, sums: ir.Value, row: ir.Value, weights: ir.Value) -> ir.Value:
        """``sums`` plus the products of a part of ``row`` and of ``weights``."""

    def begin(self, kernel: Kernel, start: ir.Value) -> ir.Value:
        """The sums of ``together`` rows that begin with ``start``, a number for each output."""
        return start

    def results(self, kernel: Kernel, sums: ir.Value) -> Sequence[ir.Value]:
        """The sums of each of ``together`` rows: a vector of ``LANES`` outputs."""
        return [sums]
