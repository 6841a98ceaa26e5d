"""A chart of curves as SVG, both axes logarithmic: what grows in proportion is straight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 760, 430
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 218, 66, 62
_LABEL = 25  # between the labels of two curves

STYLE = """
    svg { --paper: #ffffff; --edge: #d0d7de; --ink: #1f2328; --quiet: #57606a;
      --a: #0969da; --b: #bc4c00; --c: #1a7f37; --d: #8250df; }
    @media (prefers-color-scheme: dark) {
      svg { --paper: #0d1117; --edge: #3d444d; --ink: #f0f6fc; --quiet: #9198a1;
        --a: #58a6ff; --b: #f0883e; --c: #56d364; --d: #bc8cff; }
    }
    text { font: 20px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
    text { fill: var(--ink); }
    .title { font-size: 24px; font-weight: 600; }
    .tick { fill: var(--quiet); }
    .grid { stroke: var(--edge); stroke-width: 1; }
    .curve { fill: none; stroke-width: 3.5; stroke-linejoin: round; }
    .dashed { stroke-dasharray: 9 6; }
    .spread { stroke-width: 2; opacity: 0.55; }
    .label { font-weight: 600; }
    .a { fill: var(--a); } .b { fill: var(--b); } .c { fill: var(--c); } .d { fill: var(--d); }
"""


@dataclass(frozen=True, order=True)
class Curve:
    """Points (x, y, lowest, highest), by x; ``colour`` is a to d."""

    label: str
    colour: str
    points: Sequence[tuple[float, float, float, float]]
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """Curves under a ``title``; ``xs`` are marked on the horizontal axis, which is called ``x_title``."""

    title: str
    x_title: str
    xs: Sequence[float]
    curves: Sequence[Curve]

    def svg(self, top: float) -> str:
        """A group of SVG that begins ``top`` units from above and is ``HEIGHT`` high."""
        lowest, highest = self._range()
        middle, bottom = (_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - _BOTTOM
        parts = [
            _text(self.title, 16, 34, "title"),
            *(self._line(y, lowest, highest) for y in _ticks(lowest, highest)),
            *(_text(f"{x:,}", self._x(x), bottom + 26, "tick", "middle") for x in self.xs),
            _text(self.x_title, middle, HEIGHT - 10, "tick", "middle"),
            *(self._curve(curve, lowest, highest) for curve in self.curves),
            *self._labels(lowest, highest),
        ]
        return f'<g transform="translate(0 {top})">\n' + "\n".join(parts) + "\n</g>"

    def _range(self) -> tuple[float, float]:
        values = [value for curve in self.curves for point in curve.points for value in point[1:]]
        return min(values) / 1.15, max(values) * 1.15

    def _x(self, x: float) -> float:
        first, last = log10(self.xs[0]), log10(self.xs[-1])
        return _LEFT + 16 + (WIDTH - _LEFT - _RIGHT - 32) * (log10(x) - first) / (last - first or 1)

    def _y(self, y: float, lowest: float, highest: float) -> float:
        share = (log10(y) - log10(lowest)) / (log10(highest) - log10(lowest))
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share

    def _line(self, y: float, lowest: float, highest: float) -> str:
        at = self._y(y, lowest, highest)
        return f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>' + _text(
            f"{y:,g}", _LEFT - 10, at + 7, "tick", "end"
        )

    def _curve(self, curve: Curve, lowest: float, highest: float) -> str:
        places = [(self._x(x), self._y(y, lowest, highest)) for x, y, _, _ in curve.points]
        path = " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        kind = "curve dashed" if curve.dashed else "curve"
        colour = f"var(--{curve.colour})"
        spreads = (
            f'<line class="spread" style="stroke: {colour}" x1="{self._x(x):.1f}" x2="{self._x(x):.1f}" '
            f'y1="{self._y(low, lowest, highest):.1f}" y2="{self._y(high, lowest, highest):.1f}"/>'
            for x, _, low, high in curve.points
        )
        dots = (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" style="fill: {colour}"/>' for x, y in places)
        return "\n".join([f'<path class="{kind}" style="stroke: {colour}" d="M{path}"/>', *spreads, *dots])

    def _labels(self, lowest: float, highest: float) -> list[str]:
        """The curves' names beside their ends, apart from each other."""
        ends = sorted((self._y(curve.points[-1][1], lowest, highest), curve) for curve in self.curves)
        places = apart([at for at, _ in ends], _LABEL, _TOP, HEIGHT - _BOTTOM)
        return [
            _text(curve.label, WIDTH - _RIGHT + 12, at + 7, f"label {curve.colour}")
            for at, (_, curve) in zip(places, ends, strict=True)
        ]


def _text(content: str, x: float, y: float, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def apart(places: Sequence[float], distance: float, lowest: float, highest: float) -> list[float]:
    """Ascending ``places``, moved so that each is ``distance`` from the next, within the limits."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + distance) if moved else max(place, lowest))
    limit = highest
    for n in reversed(range(len(moved))):
        moved[n] = min(moved[n], limit)
        limit = moved[n] - distance
    return moved


def _ticks(lowest: float, highest: float) -> list[float]:
    """1, 2 and 5 times the powers of ten in the range; fewer where there were many."""
    powers = range(floor(log10(lowest)), ceil(log10(highest)) + 1)
    ticks = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
    within = [tick for tick in ticks if lowest <= tick <= highest]
    return within if len(within) <= 8 else [tick for tick in within if f"{tick:e}".startswith("1")]


def page(charts: Sequence[Chart], title: str, about: str) -> str:
    """An SVG file of charts, one below the other; ``about`` says in words what they show."""
    height = HEIGHT * len(charts)
    groups = "\n".join(chart.svg(HEIGHT * n) for n, chart in enumerate(charts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title about">\n'
        f'<title id="title">{escape(title)}</title>\n<desc id="about">{escape(about)}</desc>\n'
        f'<style>{STYLE}</style>\n<rect width="{WIDTH}" height="{height}" style="fill: var(--paper)"/>\n'
        f"{groups}\n</svg>\n"
    )
