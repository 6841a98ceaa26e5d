"""Whole commands with odd texts, in a simulated Discord, with a model that writes odd tokens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from random import Random

from simcord import InteractionResult, MemberActor, OptionError, SetupError

from bot.model.protocol import Candidate, GenerationRequest, Step
from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World, simulated
from bot.queue.limits import Limits
from bot.queue.queue import GenerationQueue
from bot.services import Services
from bot.store.database import IN_MEMORY, opened
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.fakes.model import FakeModel
from tests.promises import fuzz
from tests.promises.message_checks import Violations, check_message
from tests.support.reading import buttons

COMMANDS_PER_WORLD = 50  # few, as a simulated Discord remembers every request
_PROMPTS = {"complete": 2_000, "next": 2_000, "compare": 2_000, "tour": 2_000}
_TEXTS = {"guess": 2_000, "surprise": 6_000, "tokens": 6_000}


@dataclass
class CommandResults:
    """``untypable`` commands could not be typed in Discord; ``crashes`` are logged errors."""

    commands: int = 0
    messages: int = 0
    untypable: int = 0
    violations: Violations = field(default_factory=Violations)
    crashes: list[str] = field(default_factory=list)


async def run_commands(commands: int, random: Random, encodings: Encodings) -> CommandResults:
    results = CommandResults()
    with _crashes(results.crashes):
        while results.commands < commands:
            async with _world(random, encodings) as world:
                for _ in range(min(COMMANDS_PER_WORLD, commands - results.commands)):
                    await _command(world, random, results)
                people = frozenset(member.id for member in world.members)
                for request in world.env.http_requests:
                    found = check_message(request.json, people=people)
                    if found is not None:
                        results.messages += 1
                        results.violations += found
    return results


async def _command(world: World, random: Random, results: CommandResults) -> None:
    """Type a command, and press buttons of its card, if it has any."""
    results.commands += 1
    ada = random.choice(world.members)
    try:
        answer = await _typed(world, ada, random)
        if answer is not None:
            await _pressed(ada, answer, random)
    except (SetupError, OptionError):
        results.untypable += 1


async def _typed(world: World, ada: MemberActor, random: Random) -> InteractionResult | None:
    channel, text = world.channel, fuzz.typed(random)
    what = random.choice((*_PROMPTS, *_TEXTS, "decode", "vocabulary", "suggest", "read"))
    private = random.random() < 0.5
    match what:
        case "decode":
            ids = " ".join(map(str, fuzz.token_ids(random, world.bot.services.encodings.encode, 200)))
            return await ada.slash(channel, what, ids=random.choice((ids, text)), private=private)
        case "vocabulary":
            return await ada.slash(channel, what, query=text[:200], private=private)
        case "suggest":
            await ada.autocomplete(channel, "vocabulary", "query", text[:100])
            await ada.autocomplete(channel, "tokens", "encoding", text[:100], text="x")
            return None
        case "read":
            message = await ada.send(channel, text[:2_000])
            return await ada.context_menu(channel, random.choice(("Tokenize", "Surprise")), message)
        case "guess":
            return await ada.slash(channel, what, text=text[: _TEXTS[what]])
        case "tokens" if random.random() < 0.2:
            return await ada.slash(channel, what, text="x", encoding=text)
        case _ if what in _TEXTS:
            return await ada.slash(channel, what, text=text[: _TEXTS[what]], private=private)
        case _:
            seed = random.randrange(2**32)
            prompt = text[: _PROMPTS[what]]
            return await ada.slash(channel, what, prompt=prompt, seed=seed, private=private)


async def _pressed(ada: MemberActor, answer: InteractionResult, random: Random) -> None:
    for _ in range(2):
        if (card := answer.response) is None:
            return
        offered = [
            button
            for button in buttons(card.components)
            if not button.get("disabled") and button["label"] != "Delete"
        ]
        if not offered:
            return
        pressed = random.choice(offered)
        form = await ada.click(card, custom_id=pressed["custom_id"])
        if pressed["label"] == "Try it yourself":
            await ada.submit_modal(form, {"text": fuzz.typed(random)[:2_000]})


@asynccontextmanager
async def _world(random: Random, encodings: Encodings) -> AsyncIterator[World]:
    def random_step(request: GenerationRequest, _index: int) -> Step:
        ids = list(dict.fromkeys((*fuzz.token_ids(random, encodings.encode, 9), *range(20))))
        ids = ids[: request.params.candidates]
        candidates = tuple(Candidate(id_, -rank, -rank / 2, rank) for rank, id_ in enumerate(ids, 1))
        return Step(random.choice(candidates), candidates, 1.5)

    model = FakeModel(says=random_step)
    async with (
        opened(IN_MEMORY) as database,
        GenerationQueue(model, Limits(max_waiting=32, max_running=8, per_person=2, deadline=600.0)) as queue,
        simulated(
            Services(SimulatedGenerations(queue), encodings, Runs(database, days=30)), settle_timeout=120.0
        ) as world,
    ):
        yield world


@contextmanager
def _crashes(found: list[str]) -> Iterator[None]:
    """Collect what the bot and discord.py log as errors during the block."""

    class Errors(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}")

    handler = Errors(level=logging.ERROR)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
