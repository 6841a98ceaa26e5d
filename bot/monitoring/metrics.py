"""The bot's Prometheus metrics.

No label names a person or a server, or holds anything that was written.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.executor import Executor
from bot.gateway.shards import ShardState
from bot.model.protocol import Loading
from bot.monitoring.lag import Lag
from bot.queue.queue import GenerationQueue
from bot.store.runs import Runs


def _first_token() -> Histogram:
    return Histogram(
        "tokenwise_time_to_first_token_seconds",
        "From a request's admission to its first token.",
        buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
        registry=None,
    )


def _acknowledgement() -> Histogram:
    return Histogram(
        "tokenwise_acknowledgement_seconds",
        "From an interaction's creation until Discord accepts its first answer.",
        buckets=(0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 5),
        registry=None,
    )


@dataclass(frozen=True, slots=True)
class Instruments:
    """What is measured as it happens, in seconds; everything else is read when a tool asks.

    The histograms are in no registry until one is wanted.
    """

    first_token: Histogram = field(default_factory=_first_token)
    acknowledgement: Histogram = field(default_factory=_acknowledgement)


class Worker(Protocol):
    """The model's side: what is read of :class:`bot.model.client.process.ModelProcess`."""

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


class Connection(Protocol):
    """Discord's side: what is read of :class:`bot.client.TokenwiseBot`."""

    def shard_states(self) -> Mapping[int, ShardState]: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that metrics and health are read from.

    ``dropped`` counts interactions by reason, ``responses`` Discord's by status; both keep counting.
    """

    queue: GenerationQueue
    executor: Executor
    worker: Worker
    runs: Runs
    connection: Connection
    dropped: Mapping[str, int]
    responses: Mapping[str, int]
    instruments: Instruments


class _Reader(Collector):
    """Metrics that ``read`` makes whenever a tool asks for them."""

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        return self._read()


def registry_of(sources: Sources, lag: Lag) -> CollectorRegistry:
    """Build the registry of all metrics, those of the bot's process and the worker's included."""
    registry = CollectorRegistry()
    registry.register(sources.instruments.first_token)
    registry.register(sources.instruments.acknowledgement)
    for read in (
        partial(_of_queue, sources),
        partial(_of_worker, sources.worker),
        partial(_of_store, sources.runs),
        partial(_of_discord, sources),
        partial(_of_loop, lag),
    ):
        registry.register(_Reader(read))
    PlatformCollector(registry=registry)
    ProcessCollector(registry=registry)
    # Between two workers there is no process to read.
    ProcessCollector("tokenwise_worker", pid=lambda: sources.worker.pid or "none", registry=registry)
    return registry


def _of_queue(sources: Sources) -> Iterator[Metric]:
    """The model's queue. Refusals include those of pictures, which have a queue of their own."""
    load, counts = sources.queue.load, sources.queue.counts
    ended = {name: getattr(counts, name) for name in ("finished", "cancelled", "expired", "failed")}
    yield _gauges(
        "queue_requests", "Requests in progress.", "state", {"waiting": load.waiting, "running": load.running}
    )
    yield _counter("requests_admitted", "Requests that were admitted.", counts.admitted)
    yield _counters("requests", "Requests that have ended, by outcome.", "outcome", ended)
    refused = counts.refused + sources.executor.refused
    yield _counters("refusals", "Requests that were not admitted, by reason.", "reason", refused)
    yield _counter("generated_tokens", "Tokens that the model wrote.", counts.tokens)
    if load.pace is not None:
        yield _gauge("token_seconds", "Recent time per token of a text.", load.pace)


def _of_worker(worker: Worker) -> Iterator[Metric]:
    yield _gauge("batch_size", "Requests that the model worker computes together.", worker.batch)
    yield _gauge("model_ready", "1 while a worker with a loaded model serves.", worker.serving)
    yield _counter("worker_restarts", "Model workers that broke and were replaced.", worker.restarts)


def _of_store(runs: Runs) -> Iterator[Metric]:
    yield _gauge("outbox_runs", "Finished runs that wait to be stored.", runs.unsaved)


def _of_discord(sources: Sources) -> Iterator[Metric]:
    yield _counters(
        "dropped_interactions", "Interactions left unanswered, by reason.", "reason", sources.dropped
    )
    yield _counters(
        "discord_responses", "Discord's responses to requests, by status.", "status", sources.responses
    )
    states = {str(id_): state for id_, state in sources.connection.shard_states().items()}
    connected = {id_: float(state.connected) for id_, state in states.items()}
    yield _gauges("gateway_connected", "1 while Discord sends events.", "shard", connected)
    if known := {id_: state.latency for id_, state in states.items() if math.isfinite(state.latency)}:
        yield _gauges("gateway_latency_seconds", "From a heartbeat to its answer.", "shard", known)


def _of_loop(lag: Lag) -> Iterator[Metric]:
    yield _gauge(
        "event_loop_lag_seconds", "The greatest lateness in the last 30 to 60 seconds.", lag.greatest
    )
    yield _gauge("event_loop_tasks", "Tasks in progress in the event loop.", len(asyncio.all_tasks()))


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
