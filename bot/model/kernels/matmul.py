"""The product of rows and packed weights.

``forms`` says of how many numbers a *word* of a row or of an output's weights consists. Weights
[out, in] are packed into panels: [panels, words of a row, outputs of a panel], with zeros where there
is no output. Rows are packed into tiles: [tiles, words of a row, rows of a tile]. A thread takes one
panel or a few at a time, reads them once, in the order in which they lie in memory, and keeps the sums of
a tile in registers: the inner loop of BLIS (Van Zee and van de Geijn 2015,
https://dl.acm.org/doi/10.1145/2764454).

An output is one chain of operations: it begins with the bias and takes the inputs in their order
(for int8 it begins with the output's offset, and the bias comes last). The chain is the same for every
row, however many rows there are and whichever thread computes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from bot.model.kernels.arguments import Arguments, Float32s, Int32s, Signature
from bot.model.kernels.builder import (
    BYTE,
    FLOAT,
    FLOATS,
    INTS,
    LANES,
    KernelBuilder,
    KernelModule,
    Variable,
)
from bot.model.kernels.form import Form
from bot.model.kernels.forms import form_of
from bot.model.kernels.functions import gelu
from bot.model.kernels.panels import panels_at_once, share_out
from bot.model.kernels.processor import Processor
from bot.model.model_info import Precision

# How many bytes ahead a single panel's weights are prefetched, a line at a time. A processor prefetches by
# itself, but not beyond the end of a page of memory.
_AHEAD = 8192
_LINE = 64
# From so many tiles on, their products take so long that all of them together prefetch the next panel: memory
# is read evenly, rather than by the first tile alone. That takes 5 to 15 % less time for 24 rows. With
# two tiles, reading takes longer than multiplying, and it is better to prefetch what comes next.
_MANY_TILES = 3


@dataclass(kw_only=True)
class MatmulArguments(Arguments):
    """Columns are the outputs of all panels. ``offsets`` and the scales are only read for int8."""

    tiles: Int32s
    panels: Int32s
    out: Float32s  # [rows of all tiles, stride]
    depth: int  # words in a row
    tile_count: int
    panel_count: int
    stride: int
    bias: Float32s  # [columns]
    offsets: Int32s  # [columns]: what an output's sum begins with
    output_scales: Float32s  # [columns]
    row_scales: Float32s  # [rows of all tiles]
    gelu: bool  # apply GELU to the outputs
    add: bool  # add the outputs to what ``out`` holds


def matmul_signature(rows: int) -> Signature[MatmulArguments]:
    """The kernel for tiles of ``rows`` rows."""
    return Signature(f"matmul_{rows}", MatmulArguments)


def tile_sizes(processor: Processor) -> tuple[int, ...]:
    """The kernels' sizes of a tile in rows, ascending.

    Not every size: reading the weights takes longer than multiplying a few rows of zeros,
    and each kernel takes time to compile.
    """
    return tuple(sorted({processor.rows, *(size for size in (1, 2, 4, 8) if size < processor.rows)}))


def write_matmuls(module: KernelModule, precision: Precision, processor: Processor) -> None:
    """Add a kernel for each of the ``tile_sizes`` to ``module``."""
    form = form_of(precision, processor)
    for rows in tile_sizes(processor):
        _Matmul(module, precision, form, rows, processor).write()


class _Matmul:
    def __init__(
        self, module: KernelModule, precision: Precision, form: Form, rows: int, processor: Processor
    ) -> None:
        self._precision, self._form, self._rows, self._vectors = precision, form, rows, processor.vectors
        self._kernel = kernel = KernelBuilder(module, matmul_signature(rows))
        self._args = kernel.arguments
        self._width = self._vectors * LANES
        self._at_once = panels_at_once(rows, processor)

    def write(self) -> None:
        share_out(self._kernel, self._args.panel_count, self._at_once, self._multiply)
        self._kernel.finish()

    def _multiply(self, panel: ir.Value, count: int) -> None:
        """Compute the outputs of ``count`` panels from number ``panel`` on."""
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        firsts = [b.mul(b.add(panel, kernel.index(n)), kernel.index(self._width)) for n in range(count)]
        panels = [
            self._words(args.panels, b.mul(first, args.depth), self._form.word_bytes) for first in firsts
        ]
        with kernel.loop(args.tile_count) as tile:
            row = b.mul(tile, kernel.index(self._rows))
            tile_words = self._words(args.tiles, b.mul(row, args.depth), self._form.row_word_bytes)
            ahead = self._ahead(panels[0], tile) if self._at_once == 1 else None
            sums = self._sums(panels, tile_words, firsts, ahead)
            with b.if_else(args.add) as (add, put):
                for branch, adds in ((add, True), (put, False)):
                    with branch:
                        for first, own in zip(firsts, sums, strict=True):
                            self._store(own, row, first, add=adds)
            with b.if_then(args.gelu):
                for first in firsts:
                    self._activate(row, first)

    @property
    def _word(self) -> int:
        """Bytes in a word of all outputs of a panel."""
        return self._width * self._form.word_bytes

    @property
    def _step(self) -> int:
        """Words to take at a time: whole lines of memory."""
        return max(1, _LINE // self._word)

    def _ahead(self, panel: ir.Value, tile: ir.Value) -> tuple[ir.Value, ir.Value]:
        """The address to prefetch when tile number ``tile`` begins, and the bytes to move on at each step."""
        kernel, b, args = self._kernel, self._kernel.ir, self._args
        size, step = b.mul(args.depth, kernel.index(self._word)), kernel.index(self._step * self._word)
        share = b.add(size, b.mul(tile, b.sdiv(size, args.tile_count)))
        many = b.icmp_signed(">=", args.tile_count, kernel.index(_MANY_TILES))
        first = kernel.at(panel, BYTE, b.select(many, share, kernel.index(_AHEAD)))
        return first, b.select(many, b.sdiv(step, args.tile_count), step)

    def _sums(
        self,
        panels: Sequence[ir.Value],
        tile: ir.Value,
        firsts: Sequence[ir.Value],
        ahead: tuple[ir.Value, ir.Value] | None,
    ) -> list[list[list[ir.Value]]]:
        """Return the sums [panels][rows][vectors] of a tile.

        ``firsts`` are the panels' first outputs.
        """
        kernel = self._kernel
        sums = [self._begin(first) for first in firsts]
        with kernel.loop(self._args.depth, self._step) as word:
            if ahead:
                steps = kernel.ir.sdiv(word, kernel.index(self._step))
                following = kernel.at(ahead[0], BYTE, kernel.ir.mul(steps, ahead[1]))
                for line in range(0, self._step * self._word, _LINE):
                    kernel.prefetch(following, kernel.index(line // 4))
            for n in range(self._step):
                at = kernel.ir.add(word, kernel.index(n))
                rows = self._row_words(tile, at)
                for panel, own in zip(panels, sums, strict=True):
                    self._add_word(own, panel, rows, at)
        return [self._results(own) for own in sums]

    def _begin(self, first: ir.Value) -> list[list[Variable]]:
        """What the sums [groups of rows][vectors] of a panel begin with."""
        kernel, form = self._kernel, self._form
        kind, start = (INTS, self._args.offsets) if self._precision == "int8" else (FLOATS, self._args.bias)
        begin = [kernel.load(kind, start, self._offset(first, v)) for v in range(self._vectors)]
        groups = range(0, self._rows, form.together)
        return [[Variable(kernel, form.begin(kernel, value)) for value in begin] for _ in groups]

    def _row_words(self, tile: ir.Value, word: ir.Value) -> list[Sequence[ir.Value]]:
        """Word number ``word`` of each group of rows."""
        kernel, b, form = self._kernel, self._kernel.ir, self._form
        rows = []
        for first in range(0, self._rows, form.together):
            at = b.add(b.mul(word, kernel.index(self._rows)), kernel.index(first))
            rows.append(form.row(kernel, tile, at, min(form.together, self._rows - first)))
        return rows

    def _add_word(
        self,
        sums: Sequence[Sequence[Variable]],
        panel: ir.Value,
        rows: Sequence[Sequence[ir.Value]],
        word: ir.Value,
    ) -> None:
        """Add the products of word number ``word`` to the sums [groups of rows][vectors]."""
        kernel, form = self._kernel, self._form
        place = kernel.ir.mul(word, kernel.index(self._width))
        weights = [form.weights(kernel, panel, self._offset(place, v)) for v in range(self._vectors)]
        for part in range(len(weights[0])):
            for own, row in zip(sums, rows, strict=True):
                for total, vector in zip(own, weights, strict=True):
                    total.set(form.add(kernel, total.get(), row[part], vector[part]))

    def _results(self, sums: Sequence[Sequence[Variable]]) -> list[list[ir.Value]]:
        """The sums as [rows][vectors]."""
        rows = [[self._form.results(self._kernel, each.get()) for each in own] for own in sums]
        return [list(row) for group in rows for row in zip(*group, strict=True)][: self._rows]

    def _words(self, pointer: ir.Value, count: ir.Value, size: int) -> ir.Value:
        """The address ``count`` words of ``size`` bytes after ``pointer``."""
        return self._kernel.at(pointer, BYTE, self._kernel.ir.mul(count, self._kernel.index(size)))

    def _store(
        self, sums: Sequence[Sequence[ir.Value]], row: ir.Value, first: ir.Value, *, add: bool
    ) -> None:
        """Store the outputs of the tile that begins with ``row``."""
        kernel, b, out = self._kernel, self._kernel.ir, self._args.out
        for n, own in enumerate(sums):
            this = b.add(row, kernel.index(n))
            start = b.add(b.mul(this, self._args.stride), first)
            for v, value in enumerate(own):
                result = self._result(value, this, self._offset(first, v))
                place = self._offset(start, v)
                if add:
                    result = b.fadd(kernel.load(FLOATS, out, place), result)
                kernel.store(result, out, place)

    def _result(self, total: ir.Value, row: ir.Value, column: ir.Value) -> ir.Value:
        """Return the outputs of ``row`` from ``column`` on, given their sums."""
        kernel, b = self._kernel, self._kernel.ir
        if self._precision == "int8":
            scale = kernel.load(FLOATS, self._args.output_scales, column)
            row_scale = kernel.broadcast(kernel.load(FLOAT, self._args.row_scales, row))
            bias = kernel.load(FLOATS, self._args.bias, column)
            total = kernel.fma(b.fmul(b.sitofp(total, FLOATS), scale), row_scale, bias)
        return total

    def _activate(self, row: ir.Value, first: ir.Value) -> None:
        """Apply GELU to the outputs of the tile that begins with ``row``."""
        kernel, b, out = self._kernel, self._kernel.ir, self._args.out
        with kernel.loop(kernel.index(self._rows)) as n:
            place = b.add(b.mul(b.add(row, n), self._args.stride), first)
            for v in range(self._vectors):
                here = self._offset(place, v)
                kernel.store(gelu(kernel, kernel.load(FLOATS, out, here)), out, here)

    def _offset(self, place: ir.Value, vector: int) -> ir.Value:
        return self._kernel.ir.add(place, self._kernel.index(vector * LANES))
