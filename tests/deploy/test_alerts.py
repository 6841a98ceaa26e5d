"""deploy/prometheus/: Prometheus accepts it, and each alert is raised exactly when it should be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deploying import DEPLOY
from tests.support.dockerfile import variables
from tests.support.exported import a_busy_bot
from tests.support.promql import OF_PROMETHEUS, labels_in, metrics_in, needs_promtool, promtool

FOLDER = DEPLOY / "prometheus"
RULES = FOLDER / "tokenwise.rules.yaml"
CONFIG = FOLDER / "prometheus.yaml"
GROUPS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS: dict[str, Any] = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}


@dataclass(frozen=True)
class Case:
    """Samples a minute apart, in promtool's notation: those that raise ``alert``, and those that never do."""

    alert: str
    series: str
    samples: str
    raised: int  # the minute, and not before
    quiet: str

    def __str__(self) -> str:
        return self.alert


LATE = 'tokenwise_dropped_interactions_total{reason="late"}'
FULL = 'tokenwise_refusals_total{reason="QueueFull"}'
START = 'process_start_time_seconds{job="tokenwise"}'
CASES = [
    Case("TokenwiseDown", 'up{job="tokenwise"}', "1x4 0x9", 7, quiet="1 0 1 0 1 0 1"),
    Case("TokenwiseModelNotReady", "tokenwise_model_ready", "1x4 0x19", 15, quiet="0x9 1x19"),
    Case("TokenwiseDisconnected", "tokenwise_gateway_connected", "1x4 0x19", 10, quiet="0x4 1 0x4 1"),
    Case("TokenwiseHeartbeatSlow", "tokenwise_gateway_latency_seconds", "0x4 6x19", 10, quiet="5x30"),
    Case("TokenwiseInteractionsLate", LATE, "0x4 5x30", 5, quiet="7x30"),
    Case("TokenwiseQueueFull", FULL, "0x4 5+1x30", 10, quiet="3x30"),
    Case("TokenwiseWorkerRestarts", "tokenwise_worker_restarts_total", "0x4 4x30", 5, quiet="0x4 1x30"),
    Case("TokenwiseRestarts", START, "1 2 3 4 5x20", 4, quiet="1x4 2x4 3x4 4x20"),
    Case("TokenwiseEventLoopLate", "tokenwise_event_loop_lag_seconds", "0x4 0.6x20", 10, quiet="0.4x30"),
    Case("TokenwiseDatabaseUnreachable", "tokenwise_outbox_runs", "0x4 1+1x30", 15, quiet="9x9 0x30"),
]


def bucket(seconds: str) -> str:
    return f'tokenwise_acknowledgement_seconds_bucket{{le="{seconds}"}}'


@needs_promtool
def test_prometheus_accepts_the_configuration_and_the_rules() -> None:
    checked = promtool("check", "config", CONFIG)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(ALERTS)} rules found" in checked.stdout


def test_the_port_that_is_scraped_is_the_one_of_the_image() -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    (scraped,) = config["scrape_configs"]

    assert scraped["job_name"] == "tokenwise"
    assert scraped["static_configs"] == [{"targets": [f"127.0.0.1:{variables()['METRICS_PORT']}"]}]


async def test_the_alerts_query_only_exported_metrics() -> None:
    queries = [rule["expr"] for rule in ALERTS.values()]
    async with a_busy_bot() as seen:
        exported = await seen.scrape()
    known = {name.partition(":")[0] for name in exported} | OF_PROMETHEUS

    assert all(metrics_in(query) for query in queries)
    assert {name for query in queries for name in metrics_in(query)} <= known
    for metric, label, value in {found for query in queries for found in labels_in(query)}:
        assert (label, value) == ("job", "tokenwise") or f"{metric}:{value}" in exported


def test_every_alert_has_a_severity_and_says_what_to_do() -> None:
    for rule in ALERTS.values():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.fullmatch(r"[^\n]+\.", rule["annotations"]["summary"])
        assert re.fullmatch(r"[^\n]+\.", rule["annotations"]["description"])


def test_every_alert_has_a_case() -> None:
    assert {case.alert for case in CASES} | {"TokenwiseAcknowledgementSlow"} == set(ALERTS)


@pytest.mark.slow
@needs_promtool
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_alert_is_raised_in_time_and_only_when_due(case: Case, tmp_path: Path) -> None:
    raised = [{"series": case.series, "values": case.samples}]
    quiet = [{"series": case.series, "values": case.quiet}]

    assert_raised(tmp_path, case.alert, raised, {case.raised - 1: False, case.raised: True})
    assert_raised(tmp_path, case.alert, quiet, dict.fromkeys(range(0, 35, 5), False))


@needs_promtool
@pytest.mark.parametrize(("slow", "is_raised"), [(10, True), (1, False)])
def test_an_alert_is_raised_when_one_acknowledgement_in_twenty_is_slow(
    slow: int, is_raised: bool, tmp_path: Path
) -> None:
    """100 interactions a minute, of which ``slow`` take between 1 and 1.5 s."""
    series = [
        {"series": bucket("1.0"), "values": f"0+{100 - slow}x30"},
        {"series": bucket("1.5"), "values": "0+100x30"},
        {"series": bucket("+Inf"), "values": "0+100x30"},
    ]

    assert_raised(tmp_path, "TokenwiseAcknowledgementSlow", series, {9: False, 25: is_raised})


def assert_raised(folder: Path, alert: str, series: list[dict[str, str]], at: dict[int, bool]) -> None:
    """Whether ``alert`` fires at each minute of ``at``, given these series."""
    count = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'
    one = [{"labels": "{}", "value": 1}]
    expected = [
        {"expr": count, "eval_time": f"{minute}m", "exp_samples": one if fires else []}
        for minute, fires in at.items()
    ]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": expected}
    content = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    tested = promtool("test", "rules", file)

    assert tested.returncode == 0, tested.stdout + tested.stderr
