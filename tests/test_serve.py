"""Serving Discord: join, end without leaving anyone waiting, and explain a refusal in one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from bot.app import Started
from bot.client import TokenwiseBot
from bot.errors import DiscordUnreachable, InvalidSetting, ModelUnusable, UnexpectedStop
from bot.model.model_info import ModelInfo
from bot.model.protocol import Alike
from bot.moderation.rules import Rules
from bot.monitoring.endpoint import Address
from bot.queue.limits import Limits
from bot.queue.queue import GenerationQueue
from bot.serve import join
from bot.services import Services
from bot.store.database import IN_MEMORY, opened
from bot.store.forgetting import Forgotten
from bot.store.runs import Runs
from bot.system.exit_status import ExitStatus, exit_status
from bot.text.tokenization import Encodings
from tests.fakes.discord import Addresses, FakeDiscord, Interaction, leading_to, texts
from tests.fakes.scripted_worker import scripted_info
from tests.support.waiting import until
from tests.support.watched import WatchedModel

SECRET = "a.very.secret"  # noqa: S105


class LoadingModel(WatchedModel):
    """A model that turns out to be unusable once ``unusable`` is set."""

    def __init__(self) -> None:
        super().__init__(stepwise=True, serving=False)
        self.unusable = asyncio.Event()

    async def wait_ready(self) -> ModelInfo:
        await self.unusable.wait()
        raise ModelUnusable("nowhere", problem="there is no such model.", reason="not_found")


class LoadedModel(LoadingModel):
    async def wait_ready(self) -> ModelInfo:
        """Return at once: it is ready."""
        return scripted_info()


@asynccontextmanager
async def on_loopback(*, accepts: bool = True) -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord.opened(accepts=accepts) as fake:
        with fake.addresses():
            yield fake


@asynccontextmanager
async def parts_with(model: Any, rules: Rules | None = None) -> AsyncIterator[Started]:
    async with (
        opened(IN_MEMORY) as database,
        GenerationQueue(model, Limits(max_waiting=1, max_running=1, per_person=1, deadline=60)) as queue,
    ):
        runs = Runs(database, days=30)
        yield Started(model, queue, Services(queue, Encodings(), runs, rules=rules or Rules()))


async def test_it_joins_sends_its_commands_and_leaves_when_cancelled() -> None:
    async with on_loopback() as fake, parts_with(LoadingModel()) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        joining.cancel()
        await asyncio.wait([joining])
        await fake.left()

    assert joining.cancelled()
    assert {command["name"] for command in fake.commands} >= {"complete", "next", "tokens", "decode"}


@pytest.mark.parametrize("restricted", [True, False])
async def test_commands_are_marked_for_adults_only_if_age_restricted(
    restricted: bool,
) -> None:
    rules = Rules(age_restricted=restricted)
    async with on_loopback() as fake, parts_with(LoadingModel(), rules) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        joining.cancel()
        await asyncio.wait([joining])

    assert {command["nsfw"] for command in fake.commands} == {restricted}


@pytest.mark.slow
async def test_health_is_served_from_the_start_and_good_after_joining() -> None:
    model, at = LoadingModel(), Address("127.0.0.1", unused_port())
    async with on_loopback(), parts_with(model) as parts:
        joining = asyncio.create_task(join(SECRET, parts, metrics=at))
        await until(partial(health_is, at, 503))
        model.serving = True
        await until(partial(health_is, at, 200))
        joining.cancel()
        await asyncio.wait([joining])


async def health_is(at: Address, status: int) -> bool:
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{at.host}:{at.port}/health") as got,
        ):
            return got.status == status
    except aiohttp.ClientConnectionError:
        return False


@asynccontextmanager
async def asked(
    *commands: str, grace: float
) -> AsyncIterator[tuple[asyncio.Task[int], LoadingModel, FakeDiscord, list[Interaction]]]:
    """A bot with room for one request, and one person per command who has just sent it."""
    model = LoadingModel()
    async with on_loopback() as fake, parts_with(model) as parts:
        joining = asyncio.create_task(join(SECRET, parts, grace=grace))
        await fake.joined()
        channel = fake.channel()
        people = [fake.person(f"person {number}") for number in range(len(commands))]
        answers = []
        for person, command in zip(people, commands, strict=True):
            answers.append(fake.slash(person, channel, command, prompt="London was"))
            await answers[-1].until(lambda: answers[-1].reply is not None)
        yield joining, model, fake, answers
        assert await asyncio.wait({joining}, timeout=30) == ({joining}, set())
        assert all(answer.is_settled for answer in answers)


async def test_running_requests_may_finish_and_waiting_ones_are_refused_at_once() -> None:
    async with asked("complete", "complete", grace=60) as (joining, model, fake, (running, waiting)):
        joining.cancel()
        await until_said(waiting, "restarting")
        assert not running.is_settled

        refused = fake.slash(fake.person("late"), fake.channel(), "complete", prompt="London was")
        await until_said(refused, "restarting")

        await model.step(model.started[0], 65)
        await running.settled()
        assert "restarting" not in said(running)
        assert fake.gateway.is_connected


@pytest.mark.slow
async def test_a_request_that_takes_too_long_ends_with_the_text_so_far() -> None:
    async with asked("complete", grace=0.5) as (joining, model, _, (running,)):
        await model.step(model.started[0], 3)
        joining.cancel()
        await until_said(running, "restarting")
        assert "3 tokens" in said(running)


@pytest.mark.slow
async def test_no_reply_is_left_thinking() -> None:
    async with asked("next", "next", grace=0.5) as (joining, _, _, (running, waiting)):
        joining.cancel()
        await until_said(running, "restarting")
        await until_said(waiting, "restarting")


async def test_pictures_of_late_results_are_still_drawn() -> None:
    model = LoadingModel()
    async with on_loopback() as fake, parts_with(model) as parts:
        joining = asyncio.create_task(join(SECRET, parts, grace=60))
        await fake.joined()
        reading = fake.slash(fake.person("ada"), fake.channel(), "surprise", text="Paris will")
        await until(lambda: bool(model.running))
        joining.cancel()
        await asyncio.sleep(0)
        refused = fake.slash(fake.person("late"), fake.channel(), "tokens", text="Paris will")
        await until_said(refused, "restarting")
        await model.step(model.started[0], 2)
        await reading.settled()
        await asyncio.wait({joining})

    assert "restarting" not in said(reading)
    assert "2 tokens" in said(reading)


class SilentModel(LoadingModel):
    """A model whose worker never answers a lookup."""

    asked = False

    async def similar(self, token_id: int, count: int) -> tuple[Alike, ...]:
        self.asked = True
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.slow
async def test_a_person_waiting_for_a_lookup_is_notified_of_the_restart() -> None:
    model = SilentModel()
    async with on_loopback() as fake, parts_with(model) as parts:
        joining = asyncio.create_task(join(SECRET, parts, grace=0.5))
        await fake.joined()
        looking = fake.slash(fake.person("ada"), fake.channel(), "vocabulary", query="Paris")
        await until(lambda: model.asked)
        joining.cancel()
        await until_said(looking, "restarting")
        await asyncio.wait({joining})


async def test_it_leaves_as_soon_as_nothing_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = asyncio.Event()
    monkeypatch.setattr(Runs, "forget", lambda *_, **__: _wait_and_forget(answered))
    async with on_loopback() as fake, parts_with(LoadingModel()) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        forgetting = fake.slash(fake.person("ada"), fake.channel(), "forget")
        await forgetting.acknowledged()
        joining.cancel()
        await asyncio.sleep(0.1)
        assert fake.gateway.is_connected

        answered.set()
        await forgetting.settled()
        await asyncio.wait({joining})


@pytest.mark.slow
async def test_people_whose_requests_never_finish_are_notified_of_the_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.serve.FAREWELL", 0.2)
    monkeypatch.setattr(Runs, "forget", lambda *_, **__: _wait_and_forget(asyncio.Event()))
    async with on_loopback() as fake, parts_with(LoadingModel()) as parts:
        joining = asyncio.create_task(join(SECRET, parts, grace=0))
        await fake.joined()
        forgetting = [fake.slash(fake.person(name), fake.channel(), "forget") for name in ("ada", "bob")]
        for one in forgetting:
            await one.acknowledged()
        joining.cancel()
        for one in forgetting:
            await until_said(one, "restarting")
        await asyncio.wait({joining})

    assert joining.cancelled()


@pytest.mark.slow
async def test_a_very_late_request_is_answered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    never = asyncio.Event()
    monkeypatch.setattr("bot.serve.FAREWELL", 0.2)
    monkeypatch.setattr(Runs, "forget", lambda *_, **__: _forget_stubbornly(never))
    async with on_loopback() as fake, parts_with(LoadingModel()) as parts:
        joining = asyncio.create_task(join(SECRET, parts, grace=0))
        await fake.joined()
        stubborn = fake.slash(fake.person("ada"), fake.channel(), "forget")
        await stubborn.acknowledged()
        joining.cancel()
        await asyncio.sleep(0.5)
        late = fake.slash(fake.person("late"), fake.channel(), "forget")
        await until_said(late, "restarting")
        await until_said(stubborn, "restarting")
        await asyncio.wait({joining})


async def _forget_stubbornly(event: asyncio.Event) -> Forgotten:
    try:
        await event.wait()
    finally:  # like a driver that says goodbye to its server
        await asyncio.sleep(0.6)
    return Forgotten(0, 0)


async def _wait_and_forget(event: asyncio.Event) -> Forgotten:
    await event.wait()
    return Forgotten(0, 0)


async def until_said(answer: Interaction, word: str) -> None:
    await answer.until(lambda: word in said(answer) and answer.is_settled)


def said(answer: Interaction) -> str:
    """Return everything that is visible of an answer."""
    return "\n".join(text for message in answer.all_messages for text in texts(message.components))


async def test_an_unusable_model_ends_the_bot() -> None:
    model = LoadingModel()
    async with on_loopback() as fake, parts_with(model) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        model.unusable.set()

        with pytest.raises(ModelUnusable):
            await joining


async def test_people_in_line_hear_that_the_model_cannot_be_used() -> None:
    model = LoadingModel()
    model.info = None
    async with on_loopback() as fake, parts_with(model) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        waiting = fake.slash(fake.person("ada"), fake.channel(), "complete", prompt="London was")
        await waiting.until(lambda: "Warming up" in said(waiting))
        model.unusable.set()
        await until_said(waiting, "I can't use my model right now.")

        with pytest.raises(ModelUnusable):
            await joining
        assert "Warming up" not in said(waiting)
        assert "restarting" not in said(waiting)


@pytest.mark.slow
async def test_people_in_line_are_notified_of_a_restart() -> None:
    model = LoadingModel()
    model.info = None
    async with on_loopback() as fake, parts_with(model) as parts:
        joining = asyncio.create_task(join(SECRET, parts, grace=0))
        await fake.joined()
        waiting = fake.slash(fake.person("ada"), fake.channel(), "next", prompt="London was")
        await waiting.until(lambda: "Warming up" in said(waiting))
        joining.cancel()
        await until_said(waiting, "restarting")
        await asyncio.wait({joining})

        assert "Warming up" not in said(waiting)


async def test_a_refused_token_names_the_setting_but_not_the_token() -> None:
    async with on_loopback(accepts=False), parts_with(LoadingModel()) as parts:
        with pytest.raises(InvalidSetting, match="DISCORD_TOKEN was refused by Discord") as caught:
            await join(SECRET, parts)

    assert SECRET not in str(caught.value)


async def test_a_missing_network_is_named() -> None:
    nowhere = Addresses("http://127.0.0.1:1/api", "ws://127.0.0.1:1/gateway/")
    with leading_to(nowhere):
        async with parts_with(LoadingModel()) as parts:
            with pytest.raises(DiscordUnreachable, match="Discord cannot be reached"):
                await join(SECRET, parts)


@pytest.mark.slow
async def test_an_unreachable_gateway_is_named() -> None:
    async with FakeDiscord.opened() as fake, parts_with(LoadingModel()) as parts:
        nowhere = Addresses(fake.where.rest, "ws://127.0.0.1:1/gateway/")
        with leading_to(nowhere), pytest.raises(DiscordUnreachable, match="its gateway"):
            await join(SECRET, parts)


@pytest.mark.parametrize("is_loading", [True, False])
async def test_a_connection_given_up_ends_the_bot_with_a_reason(
    is_loading: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def given_up(_bot: TokenwiseBot) -> None:
        """Return as discord.py does once its client is closed."""

    monkeypatch.setattr("bot.serve.connect", given_up)
    model = LoadingModel() if is_loading else LoadedModel()
    async with on_loopback(), parts_with(model) as parts, asyncio.timeout(20):
        with pytest.raises(UnexpectedStop, match="the connection to Discord was given up") as caught:
            await join(SECRET, parts)

    assert exit_status(caught.value) is ExitStatus.FAILED


@pytest.mark.parametrize("name", ["waiting for the model", "the connection to Discord"])
async def test_a_task_cancelled_from_outside_ends_the_bot_with_a_reason(name: str) -> None:
    async with on_loopback() as fake, parts_with(LoadingModel()) as parts, asyncio.timeout(20):
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        (victim,) = [task for task in asyncio.all_tasks() if task.get_name() == name]
        victim.cancel()

        with pytest.raises(UnexpectedStop, match=f"{name} was cancelled"):
            await joining


async def test_a_loaded_model_does_not_end_the_bot() -> None:
    async with on_loopback() as fake, parts_with(LoadedModel()) as parts:
        joining = asyncio.create_task(join(SECRET, parts))
        await fake.joined()
        await asyncio.sleep(0.1)
        assert not joining.done()
        joining.cancel()
        await asyncio.wait([joining])
