"""Who sees a reply decides who may be shown it again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bot.interactions.reply import Reply


def interaction(*, guild: int | None, server: bool = True, person: bool = False) -> Any:
    return SimpleNamespace(
        guild_id=guild,
        channel_id=7,
        is_guild_integration=lambda: server,
        is_user_integration=lambda: person,
    )


@pytest.mark.parametrize(
    ("asked_in", "channel"),
    [
        (interaction(guild=1), 7),
        (interaction(guild=1, person=True), 7),
        (interaction(guild=1, server=False), 7),  # Discord does not say
        (interaction(guild=1, server=False, person=True), None),
        (interaction(guild=None, server=False, person=True), None),
        (interaction(guild=None, server=True), None),
    ],
)
def test_a_channel_sees_the_replies_of_its_server_s_own_bot(asked_in: Any, channel: int | None) -> None:
    assert Reply(asked_in).channel == channel
