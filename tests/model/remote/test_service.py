"""A model on another machine: the same steps, whatever happens to the replicas that write them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from yarl import URL

from bot.errors import (
    GenerationFailed,
    InvalidSetting,
    ModelUnreachable,
    ModelUnusable,
    ServiceAway,
    ShuttingDown,
)
from bot.model import wire
from bot.model.protocol import Candidate, Ended, GenerationRequest, Step, Stepped
from bot.model.remote import connection as connection_module
from bot.model.remote import watch as watch_module
from bot.model.remote.absence import Bounds
from bot.model.remote.service import ModelService
from tests.fakes.model import FakeModel
from tests.fakes.scripted_worker import REJECTED, scripted_info, scripted_similar
from tests.support.model_services import FakeReplica, Routes, on_loopback
from tests.support.scripted_requests import a_request, undisturbed
from tests.support.waiting import until


@pytest.fixture(autouse=True)
async def nothing_leaks() -> AsyncIterator[None]:
    """Each test leaves no task behind."""
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the service often."""
    monkeypatch.setattr(watch_module, "LOOKS", 0.02)


@asynccontextmanager
async def asking(app: ASGIApp, **options: Any) -> AsyncIterator[ModelService]:
    async with (
        on_loopback(app) as address,
        ModelService(address, **{"key": None, "pause": 0.01} | options) as model,
    ):
        yield model


async def collect(model: ModelService, request: GenerationRequest) -> list[Stepped | Ended]:
    return [event async for event in model.run(request)]


# Ordinary requests


async def test_steps_arrive_in_order_and_end() -> None:
    async with asking(FakeReplica().app()) as model:
        assert await model.wait_ready() == model.info == scripted_info()
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_a_request_before_the_service_has_answered_waits() -> None:
    async with asking(FakeReplica().app()) as model:
        assert model.info is None
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_several_run_at_once_also_under_one_id_on_the_replica() -> None:
    requests = [a_request(seed=seed, steps=3 + seed) for seed in range(5)]
    async with on_loopback(FakeReplica().app()) as address:
        models = [ModelService(address, None) for _ in requests]
        for model in models:
            await model.__aenter__()
        results = await asyncio.gather(*map(collect, models, requests))
        for model in models:
            await model.__aexit__(None, None, None)
    assert results == [undisturbed(request) for request in requests]


async def test_an_id_in_use_is_refused() -> None:
    replica = FakeReplica(FakeModel(stepwise=True))
    async with asking(replica.app()) as model:
        running = asyncio.create_task(collect(model, a_request()))
        await until(lambda: model.batch == 1)
        with pytest.raises(ValueError, match="already running"):
            await collect(model, a_request())
        running.cancel()
        await asyncio.wait([running])
        assert model.batch == 0


async def test_a_rejected_request_fails_alone() -> None:
    async with asking(FakeReplica().app()) as model:
        with pytest.raises(GenerationFailed):
            await collect(model, a_request(first=REJECTED))
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_a_reader_that_leaves_ends_the_text_on_the_replica() -> None:
    replica = FakeReplica(FakeModel(stepwise=True))
    async with asking(replica.app()) as model:
        async with aclosing(model.run(a_request())) as events:
            reading = asyncio.create_task(anext(events))
            await until(lambda: bool(replica.model.started))
            await replica.model.step(replica.model.started[0])
            assert isinstance(await reading, Stepped)
            assert replica.model.running
        await until(lambda: not replica.model.running)


async def test_tokens_alike_are_looked_up() -> None:
    async with asking(FakeReplica().app()) as model:
        assert await model.similar(7, 3) == scripted_similar(7, 3)


async def test_what_is_forgotten_is_told_to_the_service_until_it_hears_it() -> None:
    replica = FakeReplica()
    async with asking(replica.app()) as model:
        await model.wait_ready()
        model.forget()
        await until(lambda: replica.forgot == 1)


# What breaks


@pytest.mark.parametrize("chunks", [0, 1])
async def test_a_text_whose_stream_breaks_goes_on_as_if_nothing_had_been(chunks: int) -> None:
    replica = FakeReplica(breaks=[chunks])
    async with asking(replica.app()) as model:
        assert await collect(model, a_request(steps=40)) == undisturbed(a_request(steps=40))
        assert (replica.texts, model.restarts) == (2, 1)


async def test_what_no_model_says_is_not_passed_on() -> None:
    def beyond(request: GenerationRequest, index: int) -> Step:
        token = Candidate(50_257, 1.0, -0.5, 1)
        return Step(token, (token,), 1.5)

    async with asking(FakeReplica(FakeModel(says=beyond)).app(), patience=0.05) as model:
        with pytest.raises(ModelUnreachable):
            await collect(model, a_request())
        assert model.restarts > 0


async def test_a_text_that_breaks_two_replicas_at_the_same_step_fails_alone() -> None:
    first, second = FakeReplica(name="a", breaks=[0]), FakeReplica(name="b", breaks=[0])
    routes = Routes([first])
    async with asking(routes) as model:
        await model.wait_ready()
        running = asyncio.create_task(collect(model, a_request()))
        await until(lambda: first.texts == 1)
        routes.replicas[0] = second
        with pytest.raises(GenerationFailed):
            await running
        assert await collect(model, a_request()) == undisturbed(a_request())


async def begun(model: ModelService, replica: FakeReplica) -> asyncio.Task[list[Stepped | Ended]]:
    """A text of which one step has arrived from ``replica``."""
    await model.wait_ready()
    arrived: list[Stepped | Ended] = []

    async def reading() -> list[Stepped | Ended]:
        async for event in model.run(a_request()):
            arrived.append(event)  # noqa: PERF401 - one by one
        return arrived

    task = asyncio.create_task(reading())
    await until(lambda: bool(replica.model.started))
    await replica.model.step(replica.model.started[-1])
    await until(lambda: bool(arrived))
    return task


async def test_a_replica_with_another_model_does_not_go_on_with_a_text() -> None:
    replica = FakeReplica(FakeModel(stepwise=True))
    routes = Routes([replica])
    async with asking(routes, patience=0.1) as model:
        running = await begun(model, replica)
        routes.replicas[0] = FakeReplica(FakeModel(info=scripted_info("other")))
        replica.cut = True
        await replica.model.step(replica.model.started[-1])
        with pytest.raises(GenerationFailed) as failure:
            await running
        assert "the model changed" in failure.value.detail


async def test_the_bot_goes_over_to_another_model_once_no_text_of_the_old_one_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch_module, "SETTLED", 0.05)
    replica, other = (
        FakeReplica(FakeModel(stepwise=True)),
        FakeReplica(FakeModel(info=scripted_info("other"))),
    )
    routes = Routes([replica])
    async with asking(routes) as model:
        running = await begun(model, replica)
        routes.replicas[0] = other
        await asyncio.sleep(0.2)
        assert model.info == scripted_info()
        await replica.model.step(replica.model.started[-1], 6)
        assert await running == undisturbed(a_request())
        await until(lambda: model.info == scripted_info("other"))
        assert await collect(model, a_request()) == undisturbed(a_request())


async def forever(model: ModelService) -> None:
    while True:
        await collect(model, a_request())
        await asyncio.sleep(0.01)


async def test_a_model_with_another_tokenizer_ends_the_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "SETTLED", 0.0)
    routes = Routes([FakeReplica()])
    async with asking(routes) as model:
        await model.wait_ready()
        routes.replicas[0] = FakeReplica(FakeModel(info=scripted_info("other", encoding="bpe:other")))
        with pytest.raises(ModelUnusable, match="tokenizer"):
            await forever(model)


async def test_a_service_that_goes_has_no_slots_until_it_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watch_module, "AWAY", 0.1)
    caplog.set_level(logging.INFO)
    replica = FakeReplica()
    async with on_loopback(replica.app()) as address:
        model = ModelService(address, None, pause=0.01, patience=0.1)
        await model.__aenter__()
        await until(lambda: model.serving)
        assert model.capacity.slots == 8
    try:
        await until(lambda: model.loading == watch_module.WAITING)
        assert not model.serving
        assert model.capacity.slots == 0
        with pytest.raises(ModelUnreachable):
            await collect(model, a_request())
        async with on_loopback(replica.app(), port=address.port or 0):
            await until(lambda: model.serving)
            assert await collect(model, a_request()) == undisturbed(a_request())
            await model.__aexit__(None, None, None)
    finally:
        await model.__aexit__(None, None, None)
    said = [record.getMessage() for record in caplog.records if record.name == watch_module.__name__]
    assert [line for line in said if "service" in line] == [
        f"the model service at {address} is not ready (no connection); trying again",
        "the model service is back",
    ]
    assert model.loading is None


async def test_a_text_may_wait_for_a_place_longer_than_for_anything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "ANSWER", 0.05)
    replica, is_free = FakeReplica().app(), asyncio.Event()
    asked = 0

    async def full(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal asked
        if scope["path"] == "/texts":
            asked += 1
            await is_free.wait()
        await replica(scope, receive, send)

    async with asking(full, patience=0.05) as model:
        running = asyncio.create_task(collect(model, a_request()))
        await until(lambda: asked > 5)
        is_free.set()
        assert await running == undisturbed(a_request())


def noting(replica: FakeReplica, wanted: list[str | None]) -> ASGIApp:
    """``replica``, with which replicas each text wants."""
    app = replica.app()

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/texts":
            wanted.append(Headers(scope=scope).get(wire.WANTED_HEADER))
        await app(scope, receive, send)

    return noted


async def test_the_next_attempt_avoids_the_replica_that_broke() -> None:
    wanted: list[str | None] = []
    async with asking(noting(FakeReplica(breaks=[1]), wanted)) as model:
        await collect(model, a_request(steps=40))
        await collect(model, a_request(first=2))
        assert wanted == [None, "-a", "-a"]


async def test_the_replica_that_has_read_the_prefix_is_asked_for() -> None:
    wanted: list[str | None] = []
    async with asking(noting(FakeReplica(), wanted)) as model:
        for first in (1, 1, 2):
            await collect(model, a_request(first=first))
        model.forget()
        await collect(model, a_request(first=1))
        assert wanted == [None, "a", None, None]


async def test_leaving_ends_what_runs() -> None:
    replica = FakeReplica(FakeModel(stepwise=True))
    async with asking(replica.app()) as model:
        running = await begun(model, replica)
    with pytest.raises(ShuttingDown):
        await running


# What cannot be used


async def refused(address: URL, **options: Any) -> InvalidSetting:
    async with ModelService(address, **{"key": None} | options) as model:
        with pytest.raises(InvalidSetting) as error:
            await model.wait_ready()
    return error.value


@pytest.mark.parametrize("key", [None, "wrong", "secret2"])
async def test_a_missing_or_wrong_key_is_named(key: str | None) -> None:
    async with on_loopback(FakeReplica(key="secret").app()) as address:
        error = await refused(address, key=key)
    assert error.variable == "MODEL_KEY"
    assert "secret" not in str(error)


async def test_the_right_key_opens() -> None:
    async with asking(FakeReplica(key="secret").app(), key="secret") as model:
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_a_service_of_another_version_is_named() -> None:
    async with on_loopback(FakeReplica(version=wire.VERSION + 1).app()) as address:
        error = await refused(address)
    assert error.variable == "MODEL_URL"
    assert "version" in error.problem


async def test_another_website_is_no_model_service() -> None:
    async def page(request: Any) -> PlainTextResponse:
        return PlainTextResponse("It works!")

    async with on_loopback(Starlette(routes=[Route("/{path:path}", page)])) as address:
        assert (await refused(address)).variable == "MODEL_URL"


# A service that is not there, or not yet

NOWHERE = URL("http://127.0.0.1:9")


def starting(replica: FakeReplica, status: int, *, looks: int) -> ASGIApp:
    """``replica``, which answers the first ``looks`` with ``status``, as Serve does while it starts."""
    app, left = replica.app(), looks

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal left
        left -= 1
        await (PlainTextResponse("not yet", status) if left >= 0 else app)(scope, receive, send)

    return answer


async def test_the_bot_waits_for_a_service_that_comes_later_and_says_so_once_in_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with asking(starting(FakeReplica(), 404, looks=10)) as model:
        await until(lambda: model.loading == watch_module.STARTING)
        await model.wait_ready()
    said = [record.getMessage() for record in caplog.records if record.name == watch_module.__name__]
    assert len(said) == 2
    assert said[0].endswith("is not ready (it answered with status 404); trying again")
    assert said[1].startswith("the model is ready: ")


async def test_where_nobody_answers_one_command_gives_up() -> None:
    async with ModelService(NOWHERE, None, bounds=Bounds(nobody=0.05, unready=60.0)) as model:
        with pytest.raises(ServiceAway) as error:
            await model.wait_ready()
        with pytest.raises(ServiceAway):
            await collect(model, a_request())
    assert "Nobody has answered at MODEL_URL=http://127.0.0.1:9 for " in str(error.value)


@pytest.mark.parametrize("status", [404, 503])
async def test_a_service_that_starts_may_take_longer(status: int) -> None:
    app = starting(FakeReplica(), status, looks=10)
    async with asking(app, bounds=Bounds(nobody=0.05, unready=60.0)) as model:
        assert await collect(model, a_request()) == undisturbed(a_request())


async def test_a_service_that_never_gets_ready_is_given_up_too() -> None:
    app = starting(FakeReplica(), 404, looks=1_000_000)
    async with asking(app, bounds=Bounds(nobody=60.0, unready=0.05)) as model:
        with pytest.raises(ServiceAway, match="it answered with status 404"):
            await model.wait_ready()


async def test_a_service_that_was_ready_once_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "AWAY", 0.0)
    async with on_loopback(FakeReplica().app()) as address:
        model = ModelService(address, None, bounds=Bounds(nobody=0.05, unready=0.05))
        await model.__aenter__()
        await model.wait_ready()
    await asyncio.sleep(0.3)
    assert await model.wait_ready() == scripted_info()
    await model.__aexit__(None, None, None)
