"""The fake Discord treats the real discord.py and the real bot as Discord does."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from bot.gateway.shards import Shards
from tests.fakes.discord import FakeDiscord, Flag, Interaction, InteractionType, texts
from tests.fakes.discord.hosted import hosted
from tests.fakes.discord.openapi import VARIABLE, description_file

NO_PINGS: dict[str, list[str]] = {"parse": [], "users": [], "roles": []}
TEXT = {"type": 10, "content": "hello"}
CARD = {"flags": int(Flag.COMPONENTS_V2), "components": [TEXT], "allowed_mentions": NO_PINGS}


class Bot:
    """A client that sends Discord any request."""

    def __init__(self, session: aiohttp.ClientSession, discord: FakeDiscord) -> None:
        self._session = session
        self._discord = discord

    async def call_back(self, interaction: Interaction, kind: int, data: dict[str, Any] | None = None) -> int:
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        return await self.send("POST", path, {"type": kind} | ({"data": data} if data else {}))

    async def edit(self, interaction: Interaction, body: dict[str, Any]) -> int:
        return await self.send("PATCH", f"{self._webhook(interaction)}/messages/@original", body)

    async def follow_up(self, interaction: Interaction, body: dict[str, Any]) -> int:
        return await self.send("POST", self._webhook(interaction), body)

    def _webhook(self, interaction: Interaction) -> str:
        return f"/webhooks/{self._discord.bot_user.id}/{interaction.token}"

    async def send(self, method: str, path: str, body: dict[str, Any]) -> int:
        """Discord's error code; 0 for success."""
        headers = {"Authorization": "Bot a.token"}
        async with self._session.request(
            method, self._discord.where.rest + path, json=body, headers=headers
        ) as reply:
            return int((await reply.json())["code"]) if reply.status >= 400 else 0


@asynccontextmanager
async def fake(**options: Any) -> AsyncIterator[tuple[FakeDiscord, Bot]]:
    async with FakeDiscord.opened(**options) as discord, aiohttp.ClientSession() as session:
        discord.commands.append({"id": "1", "name": "next", "type": 1, "options": []})
        yield discord, Bot(session, discord)


def slash(discord: FakeDiscord, *, age: float = 0.0) -> Interaction:
    return discord.slash(discord.person("ada"), discord.channel(), "next", age=age)


@pytest.mark.slow
async def test_the_real_bot_in_its_own_process_replies_and_exits() -> None:
    async with FakeDiscord.opened() as discord, discord.bot() as bot:
        await discord.joined()
        ada, channel = discord.person("ada"), discord.channel()
        interaction = await discord.slash(ada, channel, "tokens", text="London was").settled()
        bot.signal(signal.SIGTERM)

        assert await bot.wait() == 0
    assert interaction.reply is not None
    assert "2 tokens for GPT-2 and GPT-3" in "\n".join(texts(interaction.reply.components))
    assert discord.violations == []


async def test_the_bot_in_this_process_acknowledges_and_replies() -> None:
    async with FakeDiscord.opened() as discord, hosted(discord):
        ada, channel = discord.person("ada"), discord.channel()
        interaction = await discord.slash(
            ada, channel, "complete", prompt="London was", max_tokens=3
        ).settled()
        continued = await discord.press(ada, interaction.reply, label="Continue").settled()

    assert interaction.latency < 3
    assert interaction.reply is not None
    assert interaction.reply is continued.reply
    assert interaction.reply.flags == Flag.COMPONENTS_V2
    assert discord.violations == []


async def test_an_interaction_can_be_acknowledged_only_once() -> None:
    async with fake() as (discord, bot):
        interaction = slash(discord)
        assert await bot.call_back(interaction, 4, CARD) == 0
        assert await bot.call_back(interaction, 4, CARD) == 40060


async def test_an_interaction_cannot_be_acknowledged_after_three_seconds() -> None:
    async with fake() as (discord, bot):
        assert await bot.call_back(slash(discord, age=3.1), 5) == 10062


async def test_a_token_is_valid_only_between_acknowledgement_and_expiry() -> None:
    async with fake(lifetime=0.05) as (discord, bot):
        interaction = slash(discord)
        assert await bot.edit(interaction, CARD) == 10015
        await bot.call_back(interaction, 5)
        assert await bot.edit(interaction, CARD) == 0
        await asyncio.sleep(0.06)
        assert await bot.edit(interaction, CARD) == 50027


async def test_a_deleted_message_cannot_be_edited() -> None:
    async with fake() as (discord, bot):
        interaction = slash(discord)
        await bot.call_back(interaction, 4, CARD)
        assert interaction.reply is not None
        discord.delete_message(interaction.reply)
        assert await bot.edit(interaction, CARD) == 10008
        discord.delete_channel(interaction.channel)
        assert await bot.edit(interaction, CARD) == 10003


async def test_the_first_follow_up_replaces_thinking_and_keeps_its_visibility() -> None:
    async with fake() as (discord, bot):
        interaction = slash(discord)
        await bot.call_back(interaction, 5)
        private = CARD | {"flags": int(Flag.COMPONENTS_V2 | Flag.EPHEMERAL)}
        await bot.follow_up(interaction, private)
        await bot.follow_up(interaction, private)

    assert interaction.reply is not None
    assert not interaction.reply.is_ephemeral
    assert [message.is_ephemeral for message in interaction.followups] == [True]


async def test_components_v2_need_their_flag_and_allow_no_content() -> None:
    async with fake() as (discord, bot):
        interaction = slash(discord)
        assert await bot.call_back(interaction, 4, CARD | {"flags": 0}) == 50035
        assert await bot.call_back(interaction, 4, CARD | {"content": "hello"}) == 50035
        assert await bot.call_back(interaction, 5) == 0
        assert await bot.edit(interaction, CARD | {"flags": 0}) == 50035
        assert await bot.edit(interaction, CARD) == 0
        assert await bot.edit(interaction, {"components": [TEXT], "allowed_mentions": NO_PINGS}) == 0


async def test_components_get_ids_and_files_get_urls() -> None:
    async with FakeDiscord.opened() as discord, hosted(discord):
        ada, channel = discord.person("ada"), discord.channel()
        interaction = await discord.slash(ada, channel, "tokens", text="London was", private=True).settled()
        shared = await discord.press(ada, interaction.reply, label="Share").settled()

    assert interaction.reply is not None
    assert interaction.reply.components[0]["id"] == 1
    assert shared.reply is not None
    (copied,), (picture,) = shared.reply.attachments.values(), interaction.reply.attachments.values()
    assert copied.content == picture.content
    assert copied.url != picture.url


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (CARD | {"allowed_mentions": None}, "allowed_mentions is missing"),
        (CARD | {"allowed_mentions": {"parse": ["users"]}}, "allows pings"),
        (CARD | {"components": [TEXT] * 41}, "41 components are more than 40"),
        (CARD | {"components": [TEXT | {"content": "x" * 4001}]}, "4001 characters"),
        (CARD | {"components": [TEXT | {"content": "\ud800"}]}, "surrogate"),
    ],
)
async def test_a_broken_rule_is_kept_as_a_sentence(body: dict[str, Any], problem: str) -> None:
    async with fake(schema_every=0) as (discord, bot):
        await bot.call_back(slash(discord), 4, body)

    assert any(problem in violation for violation in discord.violations)


async def test_bodies_are_validated_against_discords_own_description() -> None:
    if description_file() is None:
        pytest.skip(f"Discord's OpenAPI description is not available; {VARIABLE} may name it")
    wrong = CARD | {"components": [TEXT | {"id": "seven"}]}
    async with fake() as (discord, bot):
        await bot.call_back(slash(discord), 4, CARD)
        assert discord.violations == []
        await bot.call_back(slash(discord), 4, wrong)

    assert any("'seven' is not" in violation for violation in discord.violations), discord.violations


async def test_missed_events_are_sent_after_a_resume() -> None:
    async with FakeDiscord.opened() as discord, hosted(discord):
        for cut in (discord.gateway.reset, discord.gateway.ask_to_reconnect):
            cut()
            interaction = discord.slash(discord.person("ada"), discord.channel(), "tokens", text="London was")
            assert interaction.delivered_at is None
            await interaction.settled()

    assert discord.gateway.resumed == 2
    assert discord.gateway.identified == 1


async def test_a_resumable_invalid_session_is_resumed() -> None:
    async with FakeDiscord.opened() as discord, hosted(discord):
        discord.gateway.invalidate(resumable=True)
        await discord.slash(discord.person("ada"), discord.channel(), "tokens", text="London was").settled()

    assert (discord.gateway.identified, discord.gateway.resumed) == (1, 1)


@pytest.mark.slow
async def test_a_forgotten_session_is_replaced_by_a_new_one() -> None:
    async with FakeDiscord.opened() as discord, hosted(discord):
        discord.gateway.invalidate(resumable=False)
        await discord.joined()
        await discord.slash(discord.person("ada"), discord.channel(), "tokens", text="London was").settled()

    assert (discord.gateway.identified, discord.gateway.resumed) == (2, 0)


async def test_events_go_to_the_shard_of_their_server_and_direct_messages_to_the_first() -> None:
    async with FakeDiscord.opened(shards=4) as discord, hosted(discord, shards=Shards(1, 1, 4)):
        ada = discord.person("ada")
        guild = discord.guild("here", shard=1)
        here = discord.channel(guild=guild)
        elsewhere = discord.channel(guild=discord.guild("elsewhere", shard=2))
        heard = await discord.slash(ada, here, "tokens", text="London was").settled()
        unheard = [discord.slash(ada, at, "help") for at in (elsewhere, discord.conversation())]

    assert (guild.id >> 22) % 4 == 1
    assert heard.delivered_at is not None
    assert [one.delivered_at for one in unheard] == [None, None]


class Socket:
    """A gateway connection that says what it is told to."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def identify(self, shard: int, count: int) -> str | int | None:
        """What Discord says to it: the event, False for an invalid session, or the code it closes with."""
        await self._socket.send_json({"op": 2, "d": {"token": "a.token", "shard": [shard, count]}})
        while True:
            said = await self._socket.receive()
            if said.type is not aiohttp.WSMsgType.TEXT:
                return self._socket.close_code
            payload = said.json()
            if payload["op"] != 10:
                answer: str | int = payload["t"] or payload["d"]
                return answer


async def identified(discord: FakeDiscord, shard: int, count: int) -> str | int | None:
    async with aiohttp.ClientSession() as session, session.ws_connect(discord.where.gateway) as socket:
        return await Socket(socket).identify(shard, count)


async def test_a_shard_that_cannot_be_is_refused() -> None:
    async with FakeDiscord.opened() as discord:
        assert await identified(discord, 4, 4) == 4010


async def test_each_bucket_may_identify_once_in_a_while() -> None:
    async with FakeDiscord.opened(max_concurrency=2, identify_every=3_600) as discord:
        said = [await identified(discord, shard, 4) for shard in (0, 1, 2, 3)]

    assert said == ["READY", "READY", False, False]
    assert discord.gateway.too_soon == 2


async def test_two_bots_with_one_shard_both_get_its_events() -> None:
    async with FakeDiscord.opened() as discord, hosted(discord), hosted(discord):
        assert discord.gateway.shards == [0, 0]
        interaction = await discord.slash(discord.person("ada"), discord.channel(), "help").settled()

    assert interaction.deliveries == 2


async def test_suggestions_are_kept() -> None:
    async with fake() as (discord, bot):
        suggesting = discord.autocomplete(discord.person("ada"), discord.channel(), "next", focused="text")
        await bot.call_back(suggesting, 8, {"choices": [{"name": "a", "value": "b"}]})

    assert suggesting.kind is InteractionType.AUTOCOMPLETE
    assert suggesting.choices == [{"name": "a", "value": "b"}]
