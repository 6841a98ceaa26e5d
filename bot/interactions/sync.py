"""Send Discord the commands, but only when they have changed.

Discord allows 200 command creations a day, so a bot that syncs at every start can lock itself out; asking
which commands Discord has costs nothing. While Discord refuses the new ones, the bot serves the ones it has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import count
from typing import Any

from discord import DiscordException, InvalidData, app_commands
from discord.http import Route

from bot.interactions.api_errors import UNANSWERED, refusal, retry_after

log = logging.getLogger(__name__)

# Seconds before the second attempt, at most before any, and at most if Discord itself asks for more.
PAUSE, LONGEST_PAUSE, LONGEST_WANTED = 60.0, 6 * 3600.0, 24 * 3600.0

_LOCALIZED = ("name_localizations", "description_localizations")
_COMPARED = ("name", "type", "description", "nsfw", "contexts", "integration_types", *_LOCALIZED)
_UNORDERED = ("contexts", "integration_types")
_COMPARED_OPTION = (
    "name",
    "type",
    "description",
    "required",
    "autocomplete",
    "min_value",
    "max_value",
    "min_length",
    "max_length",
    *_LOCALIZED,
)
_COMPARED_CHOICE = ("name", "value", "name_localizations")


async def keep_trying(sync: Callable[[], Awaitable[object]], *, tried: asyncio.Event) -> None:
    """Call ``sync`` until Discord accepts the commands; ``tried`` is set after the first attempt.

    A reason is logged once, until there is another.
    """
    logged = ""
    for failures in count():
        try:
            await sync()
        except Exception as error:
            pause = pause_after(error, failures)
            if (problem := refusal(error)) != logged:
                log.warning(
                    "Discord did not accept the commands (%s); serving the ones it has, "
                    "next attempt in %.0f s",
                    logged := problem,
                    pause,
                    exc_info=None if isinstance(error, (DiscordException, *UNANSWERED)) else error,
                )
        else:
            return
        finally:
            tried.set()
        await asyncio.sleep(pause)


def pause_after(error: Exception, failures: int) -> float:
    """Return the seconds until the next attempt: as Discord wishes, or longer each time."""
    wanted = retry_after(error)
    if wanted is not None:
        return min(max(PAUSE, wanted), LONGEST_WANTED)
    return min(PAUSE * 2.0 ** min(failures, 20), LONGEST_PAUSE)


async def sync_if_changed(tree: app_commands.CommandTree[Any]) -> bool:
    """Send Discord the commands if it has others; return whether it had."""
    client = tree.client
    # Not tree.fetch_commands(): discord.py 2.7.1 misreads where commands are allowed, and does not ask for
    # localizations.
    route = Route("GET", "/applications/{application_id}/commands", application_id=client.application_id)
    raw = await client.http.request(route, params={"with_localizations": "true"})
    if not isinstance(raw, list):
        raise InvalidData("not a list of commands")
    there = canonical(raw)
    here = canonical(command.to_dict(tree) for command in tree.get_commands())
    if there == here:
        return False
    await tree.sync()
    log.info("sent Discord %d commands", len(here))
    return True


def canonical(commands: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the commands in a fixed order, without the fields that Discord fills in."""
    return sorted(
        (
            _kept(command, _COMPARED)
            | {"options": [_option(option) for option in command.get("options") or []]}
            for command in commands
        ),
        key=lambda command: (str(command["name"]), str(command.get("type"))),
    )


def _option(option: Mapping[str, Any]) -> dict[str, Any]:
    choices = [_kept(choice, _COMPARED_CHOICE) for choice in option.get("choices") or []]
    return _kept(option, _COMPARED_OPTION) | ({"choices": choices} if choices else {})


def _kept(value: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return the members of ``value`` that are set: absent, null, false and empty mean the same."""
    kept = {key: value[key] for key in keys if value.get(key) or value.get(key) == 0}
    return {
        key: sorted(kept[key]) if key in _UNORDERED else kept[key] for key in kept if kept[key] is not False
    }
