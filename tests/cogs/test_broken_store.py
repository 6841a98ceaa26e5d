"""A broken database affects only earlier cards, never a command.

It is broken in every way of :mod:`tests.promises.outages` that does no harm to other
tests in this process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from simcord import InteractionResult, ResponseMessage

from bot.playground.answer import is_error, seen
from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World, simulated
from bot.services import Services
from bot.store.database import opened
from bot.store.runs import Runs
from tests.promises import outages
from tests.promises.outages import Break, Impossible
from tests.support.inspecting import elsewhere
from tests.support.reading import card_of, refusal_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENTENCE = "I can't reach my database right now"
TEXT: dict[str, Any] = {"prompt": "London was", "max_tokens": 4}
COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("complete", {**TEXT, "seed": 1}),
    ("complete", TEXT),
    ("next", {"prompt": "London was", "seed": 1}),
    ("next", {"prompt": "London was", "temperature": 0.0}),
    ("compare", {**TEXT, "seed": 1}),
    ("guess", {"text": "London was"}),
    ("guess", {}),
    ("tour", {"seed": 1}),
    ("tokens", {"text": "London was"}),
    ("decode", {"ids": "40313 481"}),
    ("vocabulary", {"query": "Paris"}),
    ("surprise", {"text": "London was the first city"}),
    ("model", {}),
]
# Presses on an earlier card, each with a text of its normal reply.
PRESSES = ("Continue", "Re-roll", "Why this word?", "Code", "Replay")


@dataclass(frozen=True)
class Place:
    world: World
    runs: Runs
    file: Path

    async def ask(self, name: str, **options: Any) -> InteractionResult:
        return await self.world.members[0].slash(self.world.channel, name, **options)

    async def press(self, card: ResponseMessage, label: str) -> InteractionResult:
        return await self.world.members[0].click(card, label=label)


@pytest_asyncio.fixture(loop_scope="session")
async def place(services: Services, tmp_path: Path) -> AsyncIterator[Place]:
    file = tmp_path / "there" / "runs.sqlite3"
    file.parent.mkdir()
    async with opened(f"sqlite:///{file}") as database:
        runs = Runs(database, days=30)
        own = replace(services, generations=SimulatedGenerations(services.generations), runs=runs)
        async with simulated(own, settle_timeout=60) as world:
            yield Place(world, runs, file)


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """Put the folder on a disk of its own, and fill that."""
    file.unlink()
    file.parent.rmdir()
    try:
        with outages.small_disk(file.parent), outages.full(file):
            yield
    except Impossible as reason:
        pytest.skip(str(reason))


@pytest.mark.slow
@pytest.mark.parametrize(
    "breaking", [outages.locked, outages.folder_removed, outages.not_a_database, outages.corrupt, full_disk]
)
async def test_commands_keep_working_and_buttons_say_why_they_do_not(place: Place, breaking: Break) -> None:
    before = card_of(await place.ask("complete", **TEXT, seed=42))
    await elsewhere(place.runs._database.close())
    with breaking(place.file):
        for name, options in COMMANDS:
            answer = await place.ask(name, **options)
            assert not any(map(is_error, seen(answer))), (name, text_of(answer))
        for label in PRESSES:
            answer = await place.press(before, label)
            if any(map(is_error, seen(answer))):
                assert SENTENCE in refusal_of(answer)
        for command in ("Tokenize", "Surprise"):
            read = await place.world.members[0].context_menu(place.world.channel, command, before.message)
            assert "London" in text_of(read)


@pytest.mark.parametrize("breaking", [outages.folder_removed, outages.not_a_database])
async def test_cards_made_during_the_outage_work_now_and_later(place: Place, breaking: Break) -> None:
    with breaking(place.file):
        text = card_of(await place.ask("complete", **TEXT, seed=42))
        game = card_of(await place.ask("guess", text="London was"))
        assert SENTENCE in refusal_of(await place.ask("forget"))
        assert SENTENCE in refusal_of(await place.press(game, "Reveal"))
        assert "No votes yet." in text_of(game)
    await elsewhere(place.runs.flush())

    assert "[Continue]" in text_of(await place.press(text, "Continue"))
    await place.press(game, "Reveal")
    assert "The model's top guess" in text_of(game)
