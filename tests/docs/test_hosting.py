"""docs/hosting.md names exactly the metrics that the bot exports."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from bot.model.protocol import GenerationRequest, SamplingParams
from bot.queue.limits import Asker
from tests.docs.documents import document
from tests.fakes.model import settled
from tests.support.watched import a_watched_bot

CELLS = "\n".join(cell for row in document("docs/hosting.md").table("metric", "meaning") for cell in row)
NAMED = dict(re.findall(r"`(tokenwise_\w+)(?:\{(\w+)\})?`", CELLS))
UNCONNECTED = {"tokenwise_gateway_latency_seconds"}  # needs a connection to Discord


async def test_the_metrics_in_the_table_are_those_that_are_served() -> None:
    async with a_watched_bot() as seen:
        request = GenerationRequest("a", (1,), SamplingParams(max_new_tokens=2))
        async with seen.queue.stream(request, asker=Asker(1, None)):
            await settled()
            await seen.model.step("a")  # from here on there is a pace
            _, text = await seen.get("/metrics")

    families = [one for one in text_string_to_metric_families(text) if one.name.startswith("tokenwise_")]
    served = {one.name + ("_total" if one.type == "counter" else "") for one in families}
    served = {name for name in served if not name.endswith("_created")}
    labels = {sample.name: set(sample.labels) for one in families for sample in one.samples}

    assert NAMED.keys() - UNCONNECTED == served
    for name, label in NAMED.items():
        if label and name in labels:
            assert labels[name] == {label}, name
