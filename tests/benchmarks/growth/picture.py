"""The figures as a picture: speed and gap by texts, the first token by its prompt, speed by model."""

from __future__ import annotations

from collections.abc import Iterable

from tests.benchmarks.growth.chart import Chart, Curve, page
from tests.benchmarks.growth.record import Key, Record
from tests.benchmarks.models import SHAPES
from tests.benchmarks.workload import OURS

_NAMES = {OURS: "worker", "llama_cpp": "llama.cpp", "generate": "generate"}
_PROGRAMS = dict(zip(_NAMES, "abc", strict=True))
_MODELS = dict(zip(SHAPES, "dcba", strict=True))
_LARGE = "gpt2-large"


def picture(record: Record) -> str:
    """SVG of GPT-2 Large's figures, and of all models' for the fastest precision that was measured."""
    short = min(key.cell.prompt for key in record.points)
    main = _LARGE if any(key.shape == _LARGE for key in record.points) else next(iter(record.points)).shape
    by_texts = [key for key in record.points if key.shape == main and key.cell.prompt == short]
    by_prompt = [key for key in record.points if key.shape == main and key.cell.texts == 1]
    fastest = min((key.precision for key in record.points), key=("int8", "bfloat16", "float32").index)
    models = [
        key
        for key in record.points
        if (key.precision, key.program, key.cell.prompt) == (fastest, OURS, short)
    ]
    precisions = {key.precision for key in by_texts}
    name = main if len(precisions) > 1 else f"{main}, {precisions.pop()}"
    charts = [
        _chart(record, f"{name}: tokens/s of all texts together", by_texts, "speed", 1),
        _chart(record, f"{name}: from a text's token to its next, ms", by_texts, "gap", 1000),
        _chart(record, f"{name}: first token of one text, s", by_prompt, "first", 1, by_prompt=True),
        Chart(
            f"{fastest}: tokens/s of all texts together",
            "texts together",
            _xs(key.cell.texts for key in models),
            [
                Curve(shape, _MODELS[shape], _points(record, own, "speed", 1))
                for shape in SHAPES
                if (own := [key for key in models if key.shape == shape])
            ],
        ),
    ]
    drawn = [chart for chart in charts if len(chart.xs) > 1]
    return page(drawn, "How speed and waiting grow", "; ".join(chart.title for chart in drawn))


def _chart(
    record: Record, title: str, keys: list[Key], name: str, scale: float, *, by_prompt: bool = False
) -> Chart:
    precisions = sorted({key.precision for key in keys})
    curves = []
    for program, precision in sorted({(key.program, key.precision) for key in keys}):
        own = [key for key in keys if (key.program, key.precision) == (program, precision)]
        label = f"{_NAMES[program]} {precision}" if len(precisions) > 1 else _NAMES[program]
        points = _points(record, own, name, scale, by_prompt=by_prompt)
        if len(points) == 1:  # measured for the other chart
            continue
        curves.append(
            Curve(label, _PROGRAMS[program], points, dashed=precision == "float32" and len(precisions) > 1)
        )
    xs = _xs(key.cell.prompt if by_prompt else key.cell.texts for key in keys)
    return Chart(title, "tokens of its prompt" if by_prompt else "texts together", xs, curves)


def _points(
    record: Record, keys: list[Key], name: str, scale: float, *, by_prompt: bool = False
) -> list[tuple[float, float, float, float]]:
    found: list[tuple[float, float, float, float]] = []
    for key in sorted(keys, key=lambda key: key.cell):
        values = [scale * value for value in record.values(key, name)]
        x = key.cell.prompt if by_prompt else key.cell.texts
        found.append((x, scale * record.median(key, name), min(values), max(values)))
    return found


def _xs(values: Iterable[int]) -> list[float]:
    return sorted(set(values))
