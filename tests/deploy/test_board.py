"""deploy/grafana/tokenwise.json: a board that Grafana imports, of metrics that exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deploying import DEPLOY
from tests.support.exported import a_busy_bot
from tests.support.promql import OF_PROMETHEUS, labels_in, metrics_in, needs_promtool, promtool

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24  # of Grafana's grid
# Of both processes; the board shows what changes and matters.
NOT_SHOWN = (
    "virtual_memory_bytes",
    "max_fds",
    "worker_process_start_time_seconds",
    "_created",
    "_sum",
    "_count",
)


@pytest.fixture(scope="module")
def board() -> Any:
    return json.loads((DEPLOY / "grafana" / "tokenwise.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def panels(board: Any) -> list[Any]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board: Any) -> list[str]:
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])] + [
        annotation["expr"] for annotation in board["annotations"]["list"]
    ]


def values_of(key: str, within: Any) -> Iterator[Any]:
    """The values of ``key``, at any depth."""
    if isinstance(within, dict):
        yield from (value for name, value in within.items() if name == key)
        within = list(within.values())
    if isinstance(within, list):
        for part in within:
            yield from values_of(key, part)


def test_the_data_source_is_chosen_where_the_board_is_imported(board: Any) -> None:
    chosen = {variable["name"]: variable["type"] for variable in board["templating"]["list"]}

    assert chosen["datasource"] == "datasource"
    assert all(source == SOURCE for source in values_of("datasource", board))


def test_every_panel_says_what_it_shows(panels: list[Any]) -> None:
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["targets"]
        assert panel["fieldConfig"]["defaults"]["unit"]
    assert len({panel["title"] for panel in panels}) == len(panels)


def test_panels_have_unique_ids_and_do_not_overlap(board: Any) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    places = [panel["gridPos"] for panel in board["panels"]]

    assert len(set(ids)) == len(ids)
    assert all(place["x"] + place["w"] <= WIDTH for place in places)
    assert not any(overlap(one, other) for one, other in combinations(places, 2))


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or below)


async def test_the_board_shows_what_the_bot_exports_and_leaves_nothing_out(board: Any) -> None:
    async with a_busy_bot() as seen:
        exported = await seen.scrape()
    names = {name.partition(":")[0] for name in exported}
    shown = {name for query in queries(board) for name in metrics_in(query)}

    assert all(metrics_in(query) for query in queries(board))
    assert shown <= names | OF_PROMETHEUS
    ours = {name for name in names if name.startswith("tokenwise_") and not name.endswith(NOT_SHOWN)}
    assert ours <= shown
    for metric, _, value in {found for query in queries(board) for found in labels_in(query)}:
        assert metric in OF_PROMETHEUS or f"{metric}:{value}" in exported


@needs_promtool
def test_prometheus_can_read_every_query(board: Any, tmp_path: Path) -> None:
    rules = [
        {"record": f"query_{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(queries(board))
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}), encoding="utf-8")
    checked = promtool("check", "rules", file)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout
