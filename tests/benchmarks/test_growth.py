"""The program about growth: its figures from given times, its picture, and a run on a tiny model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.benchmarks.growth.cells import Cell, Point, cells, point
from tests.benchmarks.growth.chart import apart
from tests.benchmarks.growth.picture import picture
from tests.benchmarks.growth.programs import points
from tests.benchmarks.growth.record import Key, Record
from tests.benchmarks.models import never_end
from tests.support.checkpoints import write_model

POINT = Point(speed=100.0, first=0.5, gap=0.01, gap_99=0.02, memory=1.5)


def record(*keys: Key) -> Record:
    found = Record()
    for key in keys:
        found.add(key, POINT)
    return found


def test_all_numbers_of_texts_have_the_shortest_prompt_and_few_texts_every_prompt() -> None:
    wanted = cells([1, 8, 64], [512, 16], 24)
    assert [(cell.texts, cell.prompt) for cell in wanted] == [(1, 16), (1, 512), (8, 16), (8, 512), (64, 16)]
    assert cells([2, 4], [16, 32], 24)[1] == Cell(2, 32, 24)
    assert Cell.parsed(str(wanted[1])) == wanted[1]


def test_speed_counts_while_all_texts_are_written() -> None:
    # The second text begins a second later; from 1 to 3 s, each gets a token a second.
    found = point(-1.0, [[0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.5]], 2.5)
    assert (found.speed, found.first, found.gap, found.memory) == (2.0, 1.5, 1.0, 2.5)
    assert found.gap_99 == pytest.approx(1.475)


def test_speed_counts_all_the_time_where_one_text_ends_before_the_last_begins() -> None:
    assert point(0.0, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], 0.0).speed == 1.0


def test_figures_are_collected_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    key = Key("gpt2", "int8", "worker", Cell(8, 16, 24))
    first = record(key, key)
    first.write(path)
    again = Record.read(path)
    again.add(key, POINT)
    assert (len(first.points[key]), len(again.points[key])) == (2, 3)
    assert re.search(r"\| 8 +\| 16 +\| worker +\| 100 \(100 to 100\) .*\| 10\.0 \(", again.tables())


def test_a_picture_has_every_program_and_model() -> None:
    programs = [("worker", "int8"), ("llama_cpp", "int8"), ("generate", "float32")]
    keys = [Key("gpt2-large", p, name, Cell(n, 16, 24)) for name, p in programs for n in (1, 64)]
    keys += [Key("gpt2-large", "int8", "worker", Cell(1, 512, 24))]
    keys += [Key("gpt2", "int8", "worker", Cell(n, 16, 24)) for n in (1, 64)]
    svg = picture(record(*keys))
    for name in ("worker int8", "llama.cpp int8", "generate float32", "gpt2", "tokens of its prompt"):
        assert f">{name}</text>" in svg
    assert "prefers-color-scheme: dark" in svg
    assert "nan" not in svg


def test_labels_are_moved_apart_but_not_beyond_the_limits() -> None:
    assert apart([5, 50, 51, 52], 10, 0, 100) == [5, 50, 60, 70]
    assert apart([94, 95, 96], 10, 0, 100) == [80, 90, 100]
    assert apart([-3], 10, 0, 100) == [0]


@pytest.mark.slow
@pytest.mark.parametrize(("program", "precision"), [("worker", "int8"), ("generate", "float32")])
async def test_a_tiny_model_is_measured(tmp_path: Path, program: str, precision: str) -> None:
    size = 50_257
    model = write_model(tmp_path / "model", size)
    never_end(model)
    wanted = cells([1, 3], [5, 40], 4)
    found = await points(program, model, tmp_path, precision, 1, wanted)  # type: ignore[arg-type]
    assert len(found) == len(wanted) == 3
    for each in found:
        assert each.speed > 0
        assert 0 < each.gap <= each.gap_99
        assert each.first > 0
        assert each.memory > 0
