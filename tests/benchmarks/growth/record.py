"""The figures of all rounds, as JSON and as tables."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, astuple, dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import median

from tests.benchmarks.growth.cells import Cell, Point
from tests.benchmarks.report import spread, table

COLUMNS = {
    "speed": (1, "tokens/s in all"),
    "first": (1, "first token, s"),
    "gap": (1000, "gap, ms"),
    "gap_99": (1000, "99 % within, ms"),
    "memory": (1, "memory, GiB"),
}


@dataclass(frozen=True, order=True)
class Key:
    """Whose figures: of the model's ``shape``, a precision, a program and a cell."""

    shape: str
    precision: str
    program: str
    cell: Cell


@dataclass(frozen=True)
class Record:
    """Each key's points, one a round."""

    points: dict[Key, list[Point]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, path: Path) -> Record:
        record = cls()
        for shape, precision, program, cell, rounds in json.loads(path.read_text(encoding="utf-8")):
            for figures in rounds:
                record.add(Key(shape, precision, program, Cell.parsed(cell)), Point(**figures))
        return record

    def write(self, path: Path) -> None:
        lines = [
            json.dumps([key.shape, key.precision, key.program, str(key.cell), [asdict(p) for p in rounds]])
            for key, rounds in sorted(self.points.items())
        ]
        path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")

    def add(self, key: Key, point: Point) -> None:
        self.points[key].append(point)

    def values(self, key: Key, name: str) -> list[float]:
        return [getattr(point, name) for point in self.points[key]]

    def median(self, key: Key, name: str) -> float:
        return median(self.values(key, name))

    def curve(self, shape: str, precision: str, program: str, *, prompt: int) -> list[Key]:
        """The keys with this prompt, by their number of texts."""
        return sorted(
            key
            for key in self.points
            if (*astuple(key)[:3], key.cell.prompt) == (shape, precision, program, prompt)
        )

    def tables(self) -> str:
        """A table for each shape, precision and cell's kind: medians (lowest to highest) of the rounds."""
        parts = []
        for (shape, precision), keys in groupby(sorted(self.points), lambda key: (key.shape, key.precision)):
            rows = [["texts", "prompt", "program", *(title for _, title in COLUMNS.values())]]
            for key in sorted(keys, key=lambda key: (key.cell, key.program)):
                columns = [
                    spread([scale * value for value in self.values(key, name)])
                    for name, (scale, _) in COLUMNS.items()
                ]
                rows.append([str(key.cell.texts), str(key.cell.prompt), key.program, *columns])
            parts.append(f"{shape}, {precision}: median (min to max) of the rounds\n\n{table(rows)}\n")
        return "\n".join(parts)
