"""``python -m bot try "/next prompt:London was"``: one command, its card as text.

The same bot answers it in a simulated Discord, without a page.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from simcord import InteractionResult, ResponseMessage, SetupError

from bot.cards import ERROR_COLOUR
from bot.playground.plain import plain
from bot.playground.real_time import SimulatedGenerations
from bot.playground.slash import Mistyped, described, parse
from bot.playground.world import World, simulated
from bot.services import Services
from bot.system.exit_status import ExitStatus
from bot.system.terminal import complain, say

# Above the longest TIME_LIMIT, so that the queue gives up first.
SETTLE_TIMEOUT = 900.0


async def attempt(line: str, services: Services, *, ready: Callable[[], Awaitable[Any]]) -> ExitStatus:
    """Run one command and print its answer; OK, or FAILED with the reason on stderr.

    ``ready`` waits for the model; it is called once ``line`` has proved to be a command.
    """
    generations = SimulatedGenerations(services.generations)
    async with simulated(replace(services, generations=generations), settle_timeout=SETTLE_TIMEOUT) as world:
        try:
            messages = await answers(world, line, ready)
        except (Mistyped, SetupError) as refusal:
            complain(refusal)
            return ExitStatus.FAILED
        except TimeoutError:
            complain("The bot took too long to answer.")
            return ExitStatus.FAILED
        for message in messages:
            (complain if is_error(message) else say)(plain(message.components))
        if not messages:
            complain("The bot did not answer.")
        is_answered = messages and not any(map(is_error, messages))
        return ExitStatus.OK if is_answered else ExitStatus.FAILED


async def answers(world: World, line: str, ready: Callable[[], Awaitable[Any]]) -> list[ResponseMessage]:
    """The messages that the first member finally sees after typing ``line``."""
    name, values = parse(
        line, described(command.to_dict(world.bot.tree) for command in world.bot.tree.get_commands())
    )
    await ready()
    return seen(await world.members[0].slash(world.channel, name, **values))


def seen(result: InteractionResult) -> list[ResponseMessage]:
    """All messages that answer an interaction, in order."""
    first = [] if result.response is None else [result.response]
    return first + result.followups


def is_error(message: ResponseMessage) -> bool:
    """Whether the message is an error card."""
    return any(component.get("accent_color") == ERROR_COLOUR for component in message.components)
