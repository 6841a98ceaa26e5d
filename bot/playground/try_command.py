"""``python -m bot try "/next prompt:London was"``: one command, its card as text or as JSON.

The same bot answers it in a simulated Discord, without a page.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from simcord import SetupError

from bot.playground.answer import Card, answer
from bot.playground.facts import facts, refused
from bot.playground.plain import RULE, Names, harmless, plain
from bot.playground.real_time import SimulatedGenerations
from bot.playground.slash import Mistyped
from bot.playground.world import simulated
from bot.services import Services
from bot.system.exit_status import ExitStatus
from bot.system.terminal import complain, say

# Above the longest TIME_LIMIT, so that the queue gives up first.
SETTLE_TIMEOUT = 900.0


async def attempt(
    line: str,
    services: Services,
    *,
    ready: Callable[[], Awaitable[Any]],
    as_json: bool = False,
    folder: Path | None = None,
) -> ExitStatus:
    """Run one command and print its answer; OK, or FAILED with the reason on stderr.

    NEEDS_FIX: it is mistyped.
    ``ready`` waits for the model; it is called once ``line`` has proved to be a command. ``as_json``
    prints one JSON object on stdout, the reason for a refusal in it. The files of the card are saved
    in ``folder``, if given, and their paths printed on stderr.
    """
    generations = SimulatedGenerations(services.generations)
    async with simulated(replace(services, generations=generations), settle_timeout=SETTLE_TIMEOUT) as world:
        try:
            cards = await answer(world, line, services, ready)
        except Mistyped as refusal:
            _refuse(line, str(refusal), as_json=as_json)
            return ExitStatus.NEEDS_FIX
        except SetupError as refusal:
            return _refuse(line, str(refusal), as_json=as_json)
        except TimeoutError:
            return _refuse(line, "The bot took too long to answer.", as_json=as_json)
        if not cards:
            return _refuse(line, "The bot did not answer.", as_json=as_json)
        names = world.names
        if as_json:
            say(json.dumps(facts(line, cards, names, services.encodings), indent=2))
        else:
            for card in cards:
                (complain if card.is_error else say)("\n".join(_read_out(card, names)))
        if folder is not None and not _save(cards, folder):
            return ExitStatus.FAILED
        return ExitStatus.FAILED if any(card.is_error for card in cards) else ExitStatus.OK


def _refuse(line: str, sentence: str, *, as_json: bool) -> ExitStatus:
    if as_json:
        say(json.dumps(refused(line, sentence), indent=2))
    else:
        complain(sentence)
    return ExitStatus.FAILED


def _read_out(card: Card, names: Names) -> Iterator[str]:
    """The card, then its text files, then what its *Numbers* button shows."""
    yield plain(card.components, names)
    for file in card.attached:
        if not file.is_picture:
            yield from (RULE, harmless(file.content.decode(errors="replace")).rstrip("\n"))
    if card.numbers:
        yield from (RULE, "Numbers", plain(card.numbers, names))


def _save(cards: Sequence[Card], folder: Path) -> bool:
    """Save the cards' files in ``folder``, replacing those of the same name; whether that worked."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in (file for card in cards for file in card.attached):
            saved = folder / PurePosixPath(file.name).name
            saved.write_bytes(file.content)
            complain(f"Saved {saved}")
    except OSError as error:
        complain(f"The files cannot be saved in {folder}: {error.strerror}.")
        return False
    return True
