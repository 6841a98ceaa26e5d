"""A text that has lost its reader frees its slot before the model's next step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

import pytest

from bot.model.client.process import ModelProcess
from tests.fakes.discord import FakeDiscord, Interaction
from tests.fakes.discord.faults import Faults, NoFaults, Refused
from tests.fakes.discord.hosted import Hosted, hosted
from tests.fakes.discord.requests import Request
from tests.fakes.model import FakeModel, settled
from tests.promises.cancel import BAR, Cancelled, measure, report
from tests.support.waiting import until

WRITTEN = 3


@dataclass(frozen=True)
class Scene:
    """A text in the only slot, WRITTEN of its 64 tokens shown already, and one that waits."""

    discord: FakeDiscord
    bot: Hosted
    running: Interaction
    waiting: Interaction

    @property
    def ids(self) -> list[str]:
        return self.bot.model.started

    async def is_next(self) -> bool:
        """Whether the waiting text got the slot."""
        return self.bot.model.running != self.ids[:1] and len(self.ids) == 2


@asynccontextmanager
async def scene(command: str = "complete", faults: Faults | None = None) -> AsyncIterator[Scene]:
    model = FakeModel(stepwise=True)
    async with FakeDiscord.opened(faults=faults) as discord, hosted(discord, model, max_running=1) as bot:
        ada, grace = discord.person("ada"), discord.person("grace")
        running = discord.slash(ada, discord.channel("one"), command, prompt="London was")
        await running.until(lambda: running.reply is not None)
        waiting = discord.slash(grace, discord.channel("two"), "complete", prompt="Paris will")
        await waiting.until(lambda: waiting.reply is not None)
        if command == "complete":
            await model.step(model.started[0], WRITTEN)
            await running.until(lambda: running.reply is not None and running.reply.revision >= 1)
        yield Scene(discord, bot, running, waiting)


def stop(scene: Scene) -> None:
    assert scene.running.reply is not None
    scene.discord.press(scene.running.person, scene.running.reply, label="Stop")


def delete_channel(scene: Scene) -> None:
    scene.discord.delete_channel(scene.running.channel)


@pytest.mark.parametrize("event", [stop, delete_channel])
async def test_stop_or_a_deleted_channel_ends_a_text_at_once(event: Callable[[Scene], None]) -> None:
    async with scene() as now:
        event(now)
        await until(now.is_next)
        assert now.bot.queue.counts.cancelled == 1


async def test_a_text_that_is_not_shown_yet_ends_with_its_channel() -> None:
    async with scene("next") as now:
        delete_channel(now)
        await until(now.is_next)


async def test_a_deleted_message_ends_its_text_at_the_next_edit() -> None:
    async with scene() as now:
        assert now.running.reply is not None
        now.discord.delete_message(now.running.reply)
        await settled()
        assert now.bot.model.running == now.ids[:1]

        await now.bot.model.step(now.ids[0])  # which gives the bot something to edit
        await until(now.is_next)
        assert now.bot.queue.counts.cancelled == 1


class Edits(NoFaults):
    """Refuses every edit with ``code``, once that is set."""

    code: int | None = None

    def of_request(self, request: Request) -> Refused | None:
        if self.code is None or request.method != "PATCH":
            return None
        return Refused(self.code)


@pytest.mark.parametrize("code", [10003, 10008, 10015, 50001, 50027])
async def test_an_error_that_means_the_message_is_out_of_reach_ends_its_text(code: int) -> None:
    edits = Edits()
    async with scene(faults=edits) as now:
        edits.code = code
        await now.bot.model.step(now.ids[0])
        await until(now.is_next)


async def test_one_failed_edit_ends_nothing() -> None:
    edits = Edits()
    async with scene(faults=edits) as now:
        edits.code = 50035
        before = len(now.discord.requests)
        await now.bot.model.step(now.ids[0])
        await until(lambda: len(now.discord.requests) > before)
        edits.code = None
        await now.bot.model.step(now.ids[0], 64)
        await now.running.settled()
        assert now.bot.queue.counts.finished == 1


async def test_no_step_is_taken_once_a_shutdown_stops_waiting() -> None:
    async with scene() as now:
        await now.bot.queue.close(patience=0)
        await settled()
        assert now.bot.model.running == []
        await now.running.settled()
        await now.waiting.settled()


async def test_a_deleted_channel_does_not_end_texts_in_others() -> None:
    async with scene() as now:
        now.discord.delete_channel(now.waiting.channel)
        await until(lambda: not now.bot.queue.load.waiting)
        await now.bot.model.step(now.ids[0], 65)
        await now.running.settled()
        assert now.bot.queue.counts.finished == 1


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_the_worker_completes_only_the_step_under_way(model: ModelProcess) -> None:
    measured = await measure(model, times=4, seed=2)

    assert len(measured.steps) == 4
    # Where others want the processor, too, a cancellation may be a step late now and then.
    assert 1 <= median(measured.steps) <= BAR


def test_a_slot_that_is_free_too_late_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(Cancelled(steps=(2, 3), seconds=(0.1, 0.2))) == 1
    assert "MISSED" in capsys.readouterr().out
