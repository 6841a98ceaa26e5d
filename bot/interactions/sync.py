"""Telling Discord of the commands, only when they have changed.

Discord allows 200 command creations a day, so a bot that syncs at every start
can lock itself out; asking what Discord has costs nothing. Where Discord does not
take the commands, the bot serves with those that it has.
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

# Seconds before the first further attempt, and at most; also where Discord itself says when.
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
    """Call ``sync`` until Discord has taken the commands; ``tried`` is set after the first time.

    Why it did not is logged once, until it is for another reason.
    """
    said = ""
    for failures in count():
        try:
            await sync()
        except Exception as error:
            pause = pause_after(error, failures)
            if (problem := refusal(error)) != said:
                log.warning(
                    "Discord did not take the commands (%s), so the bot serves those that Discord has; "
                    "next attempt in %.0f s",
                    said := problem,
                    pause,
                    exc_info=None if isinstance(error, (DiscordException, *UNANSWERED)) else error,
                )
        else:
            return
        finally:
            tried.set()
        await asyncio.sleep(pause)


def pause_after(error: Exception, failures: int) -> float:
    """Seconds until Discord is asked again: as it wants, or longer each time."""
    wanted = retry_after(error)
    if wanted is not None:
        return min(max(PAUSE, wanted), LONGEST_WANTED)
    return min(PAUSE * 2.0 ** min(failures, 20), LONGEST_PAUSE)


async def sync_if_changed(tree: app_commands.CommandTree[Any]) -> bool:
    """Whether the commands were sent to Discord because it had others."""
    client = tree.client
    # Not tree.fetch_commands(): discord.py 2.7.1 misreads where a command is allowed, and asks for no
    # localizations.
    route = Route("GET", "/applications/{application_id}/commands", application_id=client.application_id)
    told = await client.http.request(route, params={"with_localizations": "true"})
    if not isinstance(told, list):
        raise InvalidData("this is no list of commands")
    there = canonical(told)
    here = canonical(command.to_dict(tree) for command in tree.get_commands())
    if there == here:
        return False
    await tree.sync()
    log.info("told Discord of %d commands", len(here))
    return True


def canonical(commands: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Command descriptions in one order and without what Discord fills in."""
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
    """The members of ``value`` that say something: absent, null, false and empty are alike."""
    kept = {key: value[key] for key in keys if value.get(key) or value.get(key) == 0}
    return {
        key: sorted(kept[key]) if key in _UNORDERED else kept[key] for key in kept if kept[key] is not False
    }
