""" "Try it yourself" in a tour: a modal, and the same station with what was typed there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from simcord import ChannelHandle, MemberActor

from bot.interactions import error_handler
from bot.playground.world import World
from bot.services import Services
from tests.cogs.conftest import OpenWorld
from tests.fakes.model import FakeModel
from tests.support.reading import card_of, refusal_of, text_of
from tests.support.touring import TITLES, at, labels, title

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.slow
async def test_the_author_s_text_takes_the_place_of_the_old_one(
    ada: MemberActor, channel: ChannelHandle
) -> None:
    tour = await at(2, ada, channel)
    modal = await ada.click(card_of(tour), label="Try it yourself")
    own = await ada.submit_modal(modal, {"text": "Paris will"})

    assert card_of(own).id == card_of(tour).id
    assert title(own) == TITLES[1]
    assert "[40313, 481]" in text_of(own)
    on = await ada.click(card_of(own), label="Next")
    assert "after Paris, highest" in text_of(on)


@pytest.mark.slow
async def test_someone_else_s_text_is_shown_only_to_them(
    ada: MemberActor, grace: MemberActor, channel: ChannelHandle
) -> None:
    tour = await at(4, ada, channel)
    before = text_of(tour)
    modal = await grace.click(card_of(tour), label="Try it yourself")
    own = await grace.submit_modal(modal, {"text": "Paris will"})

    assert card_of(own).ephemeral
    assert title(own) == TITLES[3]
    assert "Paris will ▁▁▁" in text_of(own)
    assert labels(card_of(own))[-1] == "Share"
    assert text_of(tour) == before
    on = await grace.click(card_of(own), label="Next")
    assert card_of(on).id == card_of(own).id


@pytest.mark.slow
async def test_every_station_can_be_tried(ada: MemberActor, channel: ChannelHandle) -> None:
    for station, expected in enumerate(TITLES, start=1):
        modal = await ada.click(card_of(await at(station, ada, channel)), label="Try it yourself")
        own = await ada.submit_modal(modal, {"text": "Once upon a time"})

        assert title(own) == expected
        assert "seed 42" in text_of(own)


@pytest.mark.slow
async def test_at_the_draw_the_seed_alone_can_be_changed(ada: MemberActor, channel: ChannelHandle) -> None:
    tour = await at(5, ada, channel)
    modal = await ada.click(card_of(tour), label="Try it yourself")
    assert modal.modal
    text, seed = (label["component"] for label in modal.modal["components"])
    assert (text["value"], seed["value"]) == ("London was", "42")
    own = await ada.submit_modal(modal, {"text": text["value"], "seed": "7"})

    assert "seed 7 ·" in text_of(own)
    assert text_of(own) == text_of(await at(5, ada, channel, seed=7))


@pytest.mark.parametrize(
    ("text", "seed", "refusal"),
    [
        (" \n ", "42", "The text is blank"),
        ("x", "many", "'many' isn't a seed. Seeds are whole numbers from 0 to 4,294,967,295."),
        ("x", "4294967296", "isn't a seed"),
        ("x", "-1", "isn't a seed"),
    ],
)
async def test_an_invalid_text_or_seed_is_refused_in_one_sentence(
    ada: MemberActor, channel: ChannelHandle, text: str, seed: str, refusal: str
) -> None:
    tour = await at(5, ada, channel)
    before = text_of(tour)
    modal = await ada.click(card_of(tour), label="Try it yourself")

    assert refusal in refusal_of(await ada.submit_modal(modal, {"text": text, "seed": seed}))
    assert text_of(tour) == before


async def test_a_text_too_long_for_the_model_is_refused(
    ada: MemberActor, channel: ChannelHandle, services: Services
) -> None:
    context = services.generations.model.context
    tour = await at(1, ada, channel)
    before = text_of(tour)
    modal = await ada.click(card_of(tour), label="Try it yourself")
    refused = await ada.submit_modal(modal, {"text": "🙃" * min(2000, context)})

    assert f"the model can only see {context:,}" in refusal_of(refused)
    assert text_of(tour) == before


@pytest.mark.slow
async def test_a_modal_that_was_open_during_a_restart_is_answered(
    ada: MemberActor, channel: ChannelHandle, restart: Callable[[], Awaitable[None]]
) -> None:
    tour = await at(2, ada, channel)
    modal = await ada.click(card_of(tour), label="Try it yourself")
    await restart()
    own = await ada.submit_modal(modal, {"text": "Paris will"})

    assert "[40313, 481]" in text_of(own)
    assert card_of(own).id == card_of(tour).id


async def test_a_text_typed_while_the_card_changes_is_not_lost(open_world: OpenWorld) -> None:
    model = FakeModel(stepwise=True)
    async with open_world(model, max_running=2) as world:
        ada = world.members[0]
        answer = await ada.slash(world.channel, "tour")
        await model.step(model.started[0], 17)
        await world.env.settle()
        two = await ada.click(card_of(answer), label="Next")
        modal = await ada.click(card_of(two), label="Try it yourself")
        await ada.click(card_of(two), label="Next")
        own = await ada.submit_modal(modal, {"text": "Paris will"})
        await model.step(model.started[2], 17)
        await world.env.settle()

        assert card_of(own).ephemeral
        assert "[40313, 481]" in text_of(own)


async def test_an_unexpected_error_is_logged_and_reported_without_details(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ada = world.members[0]
    modal = await ada.click(card_of(await at(1, ada, world.channel)), label="Try it yourself")

    def fail(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(world.bot.services.encodings, "encode", fail)
    answer = await ada.submit_modal(modal, {"text": "x"})

    assert refusal_of(answer) == error_handler.UNEXPECTED
    assert "inside" in caplog.text
    caplog.clear()


async def test_no_modal_is_kept_in_memory(world: World) -> None:
    ada = world.members[0]
    await ada.click(card_of(await at(1, ada, world.channel)), label="Try it yourself")

    assert not world.bot._connection._view_store._modals


async def test_a_cooldown_does_not_block_a_station_s_second_request(
    open_world: OpenWorld,
) -> None:
    now = 0.0
    async with open_world(FakeModel(), person_cooldown=3600.0, clock=lambda: now) as world:
        ada = world.members[0]
        tour = await ada.slash(world.channel, "tour", seed=42)
        for _ in range(2):
            now += 3600.0
            tour = await ada.click(card_of(tour), label="Next")
            await world.env.settle()
        now += 3600.0
        modal = await ada.click(card_of(tour), label="Try it yourself")
        own = await ada.submit_modal(modal, {"text": "Paris will"})
        await world.env.settle()

        assert title(own) == TITLES[2]
        assert "Paris" in text_of(own)
