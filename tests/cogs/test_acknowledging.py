"""Interactions are acknowledged before the database is read: Discord waits three seconds at most.

The database here is blocked until a test releases it. Every press and every command
that reads it must have been acknowledged by then: silently if it changes a card, with
"thinking…" if it sends a new one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from simcord import InteractionResult

from bot.cards.why import TURNS
from bot.custom_ids import custom_id
from bot.interactions.modals import PATIENCE
from bot.playground.answer import is_error, seen
from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World, simulated
from bot.services import Services
from bot.store.runs import Runs
from tests.support.acknowledging import (
    TEXT,
    Held,
    HeldDatabase,
    Ready,
    all_of_a_comparison,
    another_position,
    another_s_own_text,
    click,
    of_a_message,
    one_of_a_comparison,
    own_text,
    slash,
    stop,
    undo,
    why,
)
from tests.support.inspecting import posted
from tests.support.reading import refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNKNOWN = "0" * 16
# What follows the acknowledgement: a change of the card, a public card, or a private one.
IN_PLACE, FOR_ALL, ALONE = "in place", "for all", "alone"
READING = {
    "a text asked for again": (slash("complete", **TEXT), FOR_ALL),
    "a private one": (slash("complete", private=True, **TEXT), ALONE),
    "a table asked for again": (slash("next", prompt="London was", seed=42), FOR_ALL),
    "a comparison": (slash("compare", **TEXT), FOR_ALL),
    "a game": (slash("guess", text="London was"), FOR_ALL),
    "a game about our text": (slash("guess"), FOR_ALL),
    "a tour": (slash("tour", seed=42), FOR_ALL),
    "/forget": (slash("forget"), ALONE),
    "Tokenize": (of_a_message("Tokenize"), ALONE),
    "Surprise": (of_a_message("Surprise"), ALONE),
    "Replay of a message": (of_a_message("Replay"), ALONE),
    "a token": (click("①", "next", prompt="London was", seed=42), IN_PLACE),
    "Undo": (undo, IN_PLACE),
    "a token on another's card": (click("①", "next", by_another=True, prompt="London was", seed=42), ALONE),
    "Continue": (click("Continue", "complete", **TEXT), IN_PLACE),
    "Continue on another's card": (click("Continue", "complete", by_another=True, **TEXT), FOR_ALL),
    "Re-roll": (click("Re-roll", "complete", **TEXT), FOR_ALL),
    "Re-roll in private": (click("Re-roll", "complete", private=True, **TEXT), ALONE),
    "Code": (click("Code", "complete", **TEXT), ALONE),
    "Replay": (click("Replay", "complete", **TEXT), ALONE),
    "Stop": (stop("complete"), IN_PLACE),
    "Stop of a comparison": (stop("compare"), IN_PLACE),
    "Why": (click("Why", "complete", **TEXT), ALONE),
    "another word": (another_position, IN_PLACE),
    "the next word": (why("|".join(TURNS)), IN_PLACE),
    "a fork": (why("fork"), FOR_ALL),
    "a private fork": (why("fork", private=True), ALONE),
    "one of a comparison": (one_of_a_comparison, ALONE),
    "all of a comparison": (all_of_a_comparison, IN_PLACE),
    "a vote": (click("", "guess", text="London was"), IN_PLACE),
    "Reveal": (click("Reveal", "guess", text="London was"), IN_PLACE),
    "Leaderboard": (click("Leaderboard", "guess", text="London was"), ALONE),
    "the next station": (click("Next", "tour", seed=42), IN_PLACE),
    "the next station of another's tour": (click("Next", "tour", by_another=True, seed=42), ALONE),
    "a text of one's own": (own_text, IN_PLACE),
    "one's own on another's tour": (another_s_own_text, ALONE),
}


@pytest_asyncio.fixture(loop_scope="session")
async def held(services: Services, database_url: str) -> AsyncIterator[Held]:
    database = HeldDatabase(database_url)
    own = replace(
        services, generations=SimulatedGenerations(services.generations), runs=Runs(database, days=30)
    )
    async with simulated(own, settle_timeout=60) as world:
        database.wait = lambda waiting: world.env.external_wait(waiting, reason="the database")
        yield Held(world, database)
    await database.close()


def kind_of(answer: InteractionResult) -> str:
    """The kind of reply that is visible so far: nothing new, or "thinking…"."""
    if answer.response is None or answer.response.components:
        return IN_PLACE
    return ALONE if answer.response.ephemeral else FOR_ALL


@pytest.mark.slow
@pytest.mark.parametrize(("ready", "follows"), READING.values(), ids=READING.keys())
async def test_every_action_that_reads_the_database_is_acknowledged_first(
    held: Held, ready: Ready, follows: str
) -> None:
    act = await ready(held)
    held.database.hold()

    answer = await act()

    assert held.database.blocked
    assert answer.acknowledged
    assert kind_of(answer) == follows
    held.database.release()
    await held.world.env.settle()
    assert not any(map(is_error, seen(answer))), text_of(answer)
    assert text_of(answer) or follows == IN_PLACE


def shown(world: World) -> list[tuple[int, list[Any]]]:
    """All public messages in the channel."""
    return [
        (message.id, [component.to_dict() for component in message.components])
        for message in world.channel.history(viewer=world.members[2])
    ]


@pytest.mark.parametrize(
    ("pressed", "follows"),
    [
        (custom_id("next", "append", UNKNOWN, 286), ALONE),
        (custom_id("complete", "reroll", UNKNOWN), FOR_ALL),
        (custom_id("complete", "continue", UNKNOWN), FOR_ALL),
        (custom_id("run", "replay", UNKNOWN), ALONE),
        (custom_id("guess", "reveal", UNKNOWN), IN_PLACE),
        (custom_id("tour", "show", UNKNOWN, 2), ALONE),
        (custom_id("tour", "walk", UNKNOWN), ALONE),
    ],
)
async def test_a_failed_press_is_answered_privately_and_leaves_the_card_alone(
    held: Held, pressed: str, follows: str
) -> None:
    card = await posted(held.world, pressed)
    before = shown(held.world)
    held.database.hold()
    answer = await held.grace.click(card, custom_id=pressed)
    assert kind_of(answer) == follows
    held.database.release()
    await held.world.env.settle()

    assert "no longer works" in refusal_of(answer)
    assert shown(held.world) == before


async def test_a_form_blocked_by_the_database_is_refused_in_time(held: Held) -> None:
    card = await held.card("tour", seed=42)
    held.database.hold()
    answer = await held.ada.click(card, label="Try it yourself")
    assert not answer.acknowledged
    await held.world.env.advance_time(PATIENCE)

    assert "I can't reach my database" in refusal_of(answer)
    assert "[Try it yourself]" in text_of(card)
    held.database.release()
