"""The optional port: metrics count what happens, and health says what is wrong."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any, cast

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from bot.errors import DeadlineExceeded, InvalidSetting, ShuttingDown, TooManyRequests
from bot.model.protocol import GenerationRequest, SamplingParams
from bot.monitoring.endpoint import Address, monitored
from bot.queue.limits import Asker
from bot.serve import sources
from tests.fakes.model import settled
from tests.interactions.test_lifecycle import command
from tests.support.samples import completion_run
from tests.support.watched import a_watched_bot

ADA = Asker(1, None)


def a_request(name: str) -> GenerationRequest:
    return GenerationRequest(name, (1,), SamplingParams(max_new_tokens=2))


async def test_metrics_follow_a_request_from_waiting_to_finished() -> None:
    async with a_watched_bot() as seen:
        async with (
            seen.queue.stream(a_request("a"), asker=ADA) as first,
            seen.queue.stream(a_request("b"), asker=ADA),
        ):
            await settled()
            before = await seen.scrape()
            assert before["tokenwise_queue_requests:running"] == 1
            assert before["tokenwise_queue_requests:waiting"] == 1
            assert before["tokenwise_generated_tokens_total"] == 0
            assert "tokenwise_token_seconds" not in before

            await seen.model.step("a")
            during = await seen.scrape()
            assert during["tokenwise_generated_tokens_total"] == 1
            assert during["tokenwise_time_to_first_token_seconds_count"] == 1
            assert during["tokenwise_token_seconds"] > 0

            await seen.model.step("a", 2)
            _ = [update async for update in first]
        await settled()
        after = await seen.scrape()

    assert after["tokenwise_time_to_first_token_seconds_count"] == 1
    assert after["tokenwise_requests_admitted_total"] == 2
    assert after["tokenwise_requests_total:finished"] == 1
    assert after["tokenwise_requests_total:cancelled"] == 1
    assert after["tokenwise_queue_requests:running"] == after["tokenwise_queue_requests:waiting"] == 0


async def test_refusals_are_counted_by_reason() -> None:
    async with a_watched_bot() as seen:
        async with (
            seen.queue.stream(a_request("a"), asker=ADA),
            seen.queue.stream(a_request("b"), asker=ADA),
        ):
            with pytest.raises(TooManyRequests):
                async with seen.queue.stream(a_request("c"), asker=ADA):
                    pass
        samples = await seen.scrape()

    assert samples["tokenwise_refusals_total:TooManyRequests"] == 1
    assert samples["tokenwise_requests_admitted_total"] == 2


async def test_refused_pictures_and_lookups_are_counted_too() -> None:
    async with a_watched_bot() as seen:
        executor = seen.parts.services.executor
        executor.close()
        with pytest.raises(ShuttingDown):
            executor.check(ADA)
        with pytest.raises(DeadlineExceeded):
            await seen.queue.similar(7, 3, asker=replace(ADA, age=61.0))
        await seen.queue.close(patience=0)
        with pytest.raises(ShuttingDown):
            await seen.queue.similar(7, 3, asker=ADA)
        samples = await seen.scrape()

    assert samples["tokenwise_refusals_total:ShuttingDown"] == 2


async def test_metrics_show_the_worker_s_restarts_batch_and_readiness() -> None:
    async with a_watched_bot() as seen:
        seen.model.restarts, seen.model.serving, seen.model.batch = 3, False, 5
        samples = await seen.scrape()

    assert samples["tokenwise_worker_restarts_total"] == 3
    assert samples["tokenwise_model_ready"] == 0
    assert samples["tokenwise_batch_size"] == 5


async def test_metrics_show_acknowledgements_dropped_interactions_and_responses() -> None:
    interaction = command("next")
    async with a_watched_bot() as seen:
        assert [seen.bot.tracker.accept(interaction) for _ in range(2)] == [True, False]
        seen.bot.tracker.note_acknowledged(interaction.id)
        seen.bot.http_trace.responses["429"] += 2
        samples = await seen.scrape()

    assert samples["tokenwise_acknowledgement_seconds_count"] == 1
    assert samples["tokenwise_acknowledgement_seconds_bucket:3.0"] == 1
    assert samples["tokenwise_dropped_interactions_total:repeated"] == 1
    assert samples["tokenwise_dropped_interactions_total:late"] == 0
    assert samples["tokenwise_discord_responses_total:429"] == 2


async def test_metrics_show_runs_that_wait_for_the_database() -> None:
    async with a_watched_bot() as seen:
        outbox = seen.bot.services.runs._outbox
        async with outbox.held():
            outbox.put(completion_run())
            assert (await seen.scrape())["tokenwise_outbox_runs"] == 1


async def test_metrics_show_the_process_and_the_event_loop() -> None:
    async with a_watched_bot() as seen:
        samples = await seen.scrape()

    assert samples["process_resident_memory_bytes"] > 1_000_000
    assert samples["tokenwise_event_loop_lag_seconds"] >= 0.0
    assert "tokenwise_gateway_latency_seconds:0" not in samples  # no heartbeat yet


async def test_openmetrics_is_served_on_request() -> None:
    async with a_watched_bot() as seen:
        _, text = await seen.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")

    families = openmetrics(text)  # type: ignore[no-untyped-call]
    assert "tokenwise_requests" in {family.name for family in families}


async def test_health_needs_a_model_and_a_connection() -> None:
    async with a_watched_bot() as seen:
        assert await seen.get("/health") == (200, '{"status": "ok"}')

        seen.model.serving, seen.bot.online = False, False
        status, body = await seen.get("/health")

    assert status == 503
    assert "the model is not ready" in body
    assert "no connection to Discord" in body


async def test_health_names_the_shards_that_are_not_connected() -> None:
    async with a_watched_bot() as seen:
        seen.bot.shard_ids, seen.bot.shard_count = [4, 5, 6, 7], 16
        seen.bot.offline = frozenset({5, 6})
        assert await seen.get("/health") == (
            503,
            '{"status": "unavailable", "reasons": ["the shards 5-6 are not connected to Discord"]}',
        )
        seen.bot.offline = frozenset({7})
        assert "shard 7 is not connected to Discord" in (await seen.get("/health"))[1]


async def test_connections_are_measured_by_shard() -> None:
    async with a_watched_bot() as seen:
        seen.bot.shard_ids, seen.bot.shard_count = [4, 5], 16
        seen.bot.offline = frozenset({5})
        samples = await seen.scrape()

    assert samples["tokenwise_gateway_connected:4"] == 1
    assert samples["tokenwise_gateway_connected:5"] == 0
    assert "tokenwise_gateway_connected:0" not in samples


async def test_nothing_is_measured_without_a_port() -> None:
    async with monitored(cast("Any", None), None):
        pass


@pytest.mark.parametrize(
    ("host", "named"),
    [("127.0.0.1", "METRICS_PORT"), ("192.0.2.1", "METRICS_HOST"), ("no.invalid", "METRICS_HOST")],
)
async def test_an_unusable_address_is_refused_by_setting(host: str, named: str) -> None:
    async with a_watched_bot() as seen:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            at = Address(host, taken.getsockname()[1])
            with pytest.raises(InvalidSetting, match=named):
                async with monitored(sources(seen.bot, seen.parts), at):
                    pass
