"""What the parts of the bot know of themselves, as Prometheus' metrics. Read at the time of asking.

No label names a person, a server or anything that was written.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.client import TokenwiseBot
from bot.executor import Executor
from bot.model.protocol import Loading
from bot.monitoring.instruments import Instruments
from bot.monitoring.lag import Lag
from bot.queue.queue import GenerationQueue
from bot.store.runs import Runs


class Worker(Protocol):
    """What is read of :class:`bot.model.client.process.ModelProcess`."""

    @property
    def restarts(self) -> int: ...

    @property
    def loading(self) -> Loading | None: ...

    @property
    def pid(self) -> int | None: ...

    @property
    def serving(self) -> bool: ...

    @property
    def batch(self) -> int: ...


class Reading(Collector):
    """Metrics that ``read`` makes whenever they are asked for."""

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        return self._read()


def registry_of(
    queue: GenerationQueue, model: Worker, bot: TokenwiseBot, lag: Lag, instruments: Instruments
) -> CollectorRegistry:
    """Everything that can be measured of these and of their two processes."""
    registry = CollectorRegistry()
    registry.register(instruments.first_token)
    registry.register(instruments.acknowledgement)
    for read in (
        partial(of_queue, queue, bot.services.executor),
        partial(of_model, model),
        partial(of_store, bot.services.runs),
        partial(of_discord, bot),
        partial(of_loop, lag),
    ):
        registry.register(Reading(read))
    PlatformCollector(registry=registry)
    ProcessCollector(registry=registry)
    # Between two workers there is nothing to read.
    ProcessCollector("tokenwise_worker", pid=lambda: model.pid or "none", registry=registry)
    return registry


def of_queue(queue: GenerationQueue, executor: Executor) -> Iterator[Metric]:
    """The model's queue; refusals are those of pictures, too."""
    load, counts = queue.load, queue.counts
    over = {name: getattr(counts, name) for name in ("finished", "cancelled", "expired", "failed")}
    yield _gauges(
        "queue_requests", "Requests in progress.", "state", {"waiting": load.waiting, "running": load.running}
    )
    yield _counter("requests_admitted", "Requests that were admitted.", counts.admitted)
    yield _counters("requests", "Requests that are over, by outcome.", "outcome", over)
    refused = counts.refused + executor.refused
    yield _counters("refusals", "Requests that were not admitted, by reason.", "reason", refused)
    yield _counter("generated_tokens", "Tokens that the model wrote.", counts.tokens)
    if load.pace is not None:
        yield _gauge("token_seconds", "How long a text lately took for a token.", load.pace)


def of_model(model: Worker) -> Iterator[Metric]:
    yield _gauge("batch_size", "Requests that the model worker has, and computes together.", model.batch)
    yield _gauge("model_ready", "1 while a worker with a loaded model serves.", model.serving)
    yield _counter("worker_restarts", "Model workers that broke and were replaced.", model.restarts)


def of_store(runs: Runs) -> Iterator[Metric]:
    yield _gauge("outbox_runs", "Finished runs that wait to be stored.", runs.unsaved)


def of_discord(bot: TokenwiseBot) -> Iterator[Metric]:
    yield _counters(
        "dropped_interactions", "Interactions left unanswered, by reason.", "reason", bot.tracker.dropped
    )
    yield _counters(
        "discord_responses", "Discord's answers to requests, by status.", "status", bot.http_trace.responses
    )
    yield _gauge("gateway_connected", "1 while Discord sends events.", bot.connected)
    if math.isfinite(bot.latency):
        yield _gauge("gateway_latency_seconds", "From a heartbeat to its answer.", bot.latency)


def of_loop(lag: Lag) -> Iterator[Metric]:
    yield _gauge(
        "event_loop_lag_seconds", "The greatest lateness in the last 30 to 60 seconds.", lag.greatest
    )
    yield _gauge("event_loop_tasks", "What the event loop has in progress.", len(asyncio.all_tasks()))


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tokenwise_{name}", what, value=float(value))


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"tokenwise_{name}", what, value=value)


def _gauges(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(GaugeMetricFamily(f"tokenwise_{name}", what, labels=[label]), values)


def _counters(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    return _labelled(CounterMetricFamily(f"tokenwise_{name}", what, labels=[label]), values)


def _labelled(
    family: GaugeMetricFamily | CounterMetricFamily, values: Mapping[str, float]
) -> GaugeMetricFamily | CounterMetricFamily:
    for value, number in values.items():
        family.add_metric([value], number)
    return family
