"""People's names as a picture shows them: asked of Discord, or left out."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.interactions import names
from bot.interactions.names import display_names, one_line

ADA, GRACE, ALAN = 11, 22, 33


class Guild:
    """A server with members by id; asking for them raises ``failure``, if any."""

    def __init__(self, failure: Exception | None = None, **members: str) -> None:
        self.asked: list[list[int]] = []
        self._failure = failure
        self._members = members

    async def query_members(self, *, user_ids: list[int], limit: int, cache: bool) -> list[Any]:
        self.asked.append(user_ids)
        assert limit == len(user_ids)
        assert not cache
        if self._failure is not None:
            raise self._failure
        found = ((id_, self._members.get(f"m{id_}")) for id_ in user_ids)
        return [SimpleNamespace(id=id_, display_name=name) for id_, name in found if name]


def pressed(guild: Guild | None, *, is_member: bool = True) -> Any:
    """A press by Ada on a server whose member the bot is."""
    servers = {7: guild} if is_member else {}
    return SimpleNamespace(
        user=SimpleNamespace(id=ADA, display_name="Ada"),
        guild_id=None if guild is None else 7,
        guild=guild,
        client=SimpleNamespace(get_guild=servers.get),
    )


async def test_names_are_asked_for_at_once_without_the_presser_s() -> None:
    guild = Guild(m22="Grace Hopper", m33="앨런")

    assert await display_names(pressed(guild), [GRACE, ADA, ALAN]) == {
        GRACE: "Grace Hopper",
        ADA: "Ada",
        ALAN: "앨런",
    }
    assert guild.asked == [[GRACE, ALAN]]


async def test_who_left_or_shows_nothing_is_left_out() -> None:
    assert await display_names(pressed(Guild(m33="\u200b\u2060")), [GRACE, ADA, ALAN]) == {ADA: "Ada"}


async def test_nobody_is_asked_about_without_need() -> None:
    guild = Guild()

    assert await display_names(pressed(guild), [ADA]) == {ADA: "Ada"}
    assert await display_names(pressed(guild), []) == {}
    assert guild.asked == []


async def test_a_bot_that_is_not_on_the_server_does_not_ask() -> None:
    guild = Guild(m22="Grace")

    assert await display_names(pressed(guild, is_member=False), [ADA, GRACE]) == {ADA: "Ada"}
    assert await display_names(pressed(None), [ADA, GRACE]) == {ADA: "Ada"}
    assert guild.asked == []


@pytest.mark.parametrize("failure", [TimeoutError(), OSError(), discord.ClientException("no")])
async def test_a_failure_costs_the_names_not_the_reply(failure: Exception) -> None:
    assert await display_names(pressed(Guild(failure)), [ADA, GRACE]) == {ADA: "Ada"}


async def test_a_silent_discord_does_not_hold_up_the_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Guild):
        async def query_members(self, **_asked: Any) -> list[Any]:
            await asyncio.Event().wait()
            return []

    monkeypatch.setattr(names, "PATIENCE", 0.01)

    assert await display_names(pressed(Silent()), [ADA, GRACE]) == {ADA: "Ada"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada  Lovelace\n", "Ada Lovelace"),
        ("\u202eevil\u2066", "evil"),
        ("a\x07b\ue000c", "abc"),
        ("สมชาย ใจดี", "สมชาย ใจดี"),
        ("Z" + "\u0301" * 9 + "o", "Z" + "\u0301" * 3 + "o"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("\u200d\u200c", ""),
        (" ", ""),
    ],
)
def test_a_name_is_one_line_that_can_be_seen(name: str, shown: str) -> None:
    assert one_line(name) == shown


@given(st.text(max_size=60))
@example("0\r\ud7fc\r0")
@example("e\u0301\u0301\u0301\0\u0301")
def test_any_name_becomes_one_short_line(name: str) -> None:
    shown = one_line(name)

    assert len(shown.splitlines()) <= 1
    assert len(shown) <= len(name)
    assert one_line(shown) == shown
