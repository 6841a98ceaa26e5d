"""What the servers take, as a picture: replicas, processes and shards by the number of servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.benchmarks.capacity.plan import Plan
from tests.benchmarks.growth.chart import Chart, Curve, page


def picture(plans: Mapping[str, Sequence[Plan]]) -> str:
    """SVG of the ``plans`` of each precision, which are by ascending servers."""
    some = next(iter(plans.values()))
    curves = [
        *(
            _curve(f"replicas, {name}", colour, found, lambda plan: max(plan.replicas))
            for (name, found), colour in zip(plans.items(), "ab", strict=False)
        ),
        _curve("shards", "c", some, lambda plan: plan.shards),
        _curve("bot processes", "d", some, lambda plan: plan.processes),
    ]
    price = [
        _curve(f"{name}", colour, found, lambda plan: plan.following)
        for (name, found), colour in zip(plans.items(), "ab", strict=False)
    ]
    xs = [plan.servers for plan in some if f"{plan.servers}".startswith("1")]  # there is room for these
    charts = [
        Chart("In the busiest hour", "servers", xs, curves),
        Chart("A month's price, $", "servers", xs, price),
    ]
    return page(charts, "What servers take", "; ".join(chart.title for chart in charts))


def _curve(label: str, colour: str, plans: Sequence[Plan], value: Callable[[Plan], float]) -> Curve:
    return Curve(label, colour, [(plan.servers, value(plan), value(plan), value(plan)) for plan in plans])
