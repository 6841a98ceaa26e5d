"""Telling Discord of the commands, only when they have changed.

Discord allows 200 command creations a day, so a bot that syncs at every start
can lock itself out; asking what Discord has costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from discord import app_commands

log = logging.getLogger(__name__)

_COMPARED = ("name", "type", "description", "nsfw", "contexts", "integration_types")
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
    "choices",
)


async def sync_if_changed(tree: app_commands.CommandTree[Any]) -> bool:
    """Whether the commands were sent to Discord because it had others."""
    client = tree.client
    # Not tree.fetch_commands(): discord.py 2.7.1 misreads where a command is allowed.
    there = canonical(await client.http.get_global_commands(client.application_id))
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
            | {"options": [_kept(option, _COMPARED_OPTION) for option in command.get("options") or []]}
            for command in commands
        ),
        key=lambda command: (str(command["name"]), str(command.get("type"))),
    )


def _kept(value: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The members of ``value`` that say something: absent, null, false and empty are alike."""
    kept = {key: value[key] for key in keys if value.get(key) or value.get(key) == 0}
    return {
        key: sorted(kept[key]) if key in _UNORDERED else kept[key] for key in kept if kept[key] is not False
    }
