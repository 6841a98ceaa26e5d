"""A Discord on loopback: its REST interface and gateway, for a real bot."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Any, Self

from aiohttp import web

from tests.fakes.discord import payloads
from tests.fakes.discord.addresses import Addresses, leading_to
from tests.fakes.discord.checks import Checks
from tests.fakes.discord.community import Community
from tests.fakes.discord.faults import Faults, NoFaults
from tests.fakes.discord.gateway import HEARTBEAT, Gateway, Session
from tests.fakes.discord.process import BotProcess, running
from tests.fakes.discord.requests import Request
from tests.fakes.discord.responses import LIFETIME, PATIENCE, Responses
from tests.fakes.discord.rest import Rest
from tests.fakes.discord.snowflakes import Snowflakes
from tests.fakes.discord.state import Json, Person

HOST = "discord.test"  # its host with TLS; the name doesn't resolve
LARGEST = 32 * 1024 * 1024  # bytes of a request


class FakeDiscord(Community):
    """Use :meth:`opened`.

    ``accepts`` says whether the bot's token is valid. Every ``schema_every``-th request
    is validated against Discord's OpenAPI description, none if it is 0. ``remembered``
    is the number of ``requests`` to keep, None for all. An interaction must be
    acknowledged within ``patience`` seconds, and its token is then valid for
    ``lifetime``. ``heartbeat`` is in milliseconds. It recommends ``shards``; for the rest
    of them see :class:`Gateway`. With ``tls`` it is at HOST, which can only be reached
    through a proxy.
    """

    def __init__(
        self,
        *,
        accepts: bool = True,
        faults: Faults | None = None,
        schema_every: int = 1,
        remembered: int | None = None,
        patience: float = PATIENCE,
        lifetime: float = LIFETIME,
        heartbeat: int = HEARTBEAT,
        shards: int = 1,
        max_concurrency: int = 1,
        identify_every: float = 0.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        snowflakes, faults = Snowflakes(), faults or NoFaults()
        bot_user = Person(snowflakes.new(age=86_400), "Tokenwise", is_bot=True)
        responses = Responses(bot_user, snowflakes, lambda: self._at("http", ""), patience, lifetime)
        gateway = Gateway(
            self._welcome,
            self._members,
            None if accepts else 4004,
            heartbeat,
            max_concurrency,
            identify_every,
        )
        super().__init__(bot_user, snowflakes, responses, gateway, faults, shards)
        self.requests: deque[Request] = deque(maxlen=remembered)
        self.checks = Checks(schema_every=schema_every)
        self.rest = Rest(
            responses=responses,
            checks=self.checks,
            faults=faults,
            gateway_url=lambda: self._at("ws", "/gateway/"),
            requests=self.requests,
            channels=self.channels,
            commands=self.commands,
            accepts=accepts,
            shards=shards,
            max_concurrency=max_concurrency,
        )
        self._tls = tls
        self._port = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, **options: Any) -> AsyncIterator[Self]:
        """Listen on a free port of 127.0.0.1; ``options`` are those of the class."""
        fake = cls(**options)
        application = web.Application(client_max_size=LARGEST)
        application.add_routes([*fake.rest.routes(), web.get("/gateway/", fake.gateway.serve)])
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=fake._tls).start()
            _, fake._port = runner.addresses[0]
            yield fake
        finally:
            await runner.cleanup()

    @property
    def violations(self) -> list[str]:
        """What was wrong with the bot's requests, as sentences."""
        return self.checks.violations

    @property
    def where(self) -> Addresses:
        return Addresses(self._at("http", "/api/v10"), self._at("ws", "/gateway/"))

    def addresses(self) -> AbstractContextManager[None]:
        """Lead discord.py here, for everything started within the block."""
        return leading_to(self.where)

    def bot(self, environment: Mapping[str, str] | None = None) -> AbstractAsyncContextManager[BotProcess]:
        """``python -m bot`` in a process of its own, with these settings."""
        return running(self.where, environment or {})

    async def joined(self, patience: float = 60.0) -> None:
        """Return once the bot is connected with all its shards, and knows its servers."""
        async with asyncio.timeout(patience):
            await self.gateway.joined.wait()

    async def left(self, patience: float = 60.0) -> None:
        """Return once the bot's connection has ended."""
        async with asyncio.timeout(patience):
            await self.gateway.left.wait()

    @property
    def port(self) -> int:
        return self._port

    def _at(self, scheme: str, path: str) -> str:
        if self._tls is not None:
            return f"{scheme}s://{HOST}:{self._port}{path}"
        return f"{scheme}://127.0.0.1:{self._port}{path}"

    def _welcome(self, session: Session) -> Iterator[tuple[str, Json]]:
        guilds = [guild for guild in self.guilds.values() if guild.has_bot and session.gets(guild.id)]
        ready = {
            "v": 10,
            "user": payloads.user(self.bot_user),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "shard": [session.shard, session.count],
            "resume_gateway_url": self._at("ws", "/gateway/"),
            "application": {"id": str(self.bot_user.id), "flags": 0},
        }
        yield "READY", ready
        for guild in guilds:
            yield "GUILD_CREATE", payloads.guild(guild, self.bot_user)

    def _members(self, asked: Json) -> Json:
        """The people with the ids that the bot ``asked`` for; without an intent, it must give them."""
        people = {str(person.id): person for person in self.people}
        wanted = [str(id_) for id_ in asked["user_ids"]]
        return {
            "guild_id": str(asked["guild_id"]),
            "members": [payloads.member(people[id_]) for id_ in wanted if id_ in people],
            "not_found": [id_ for id_ in wanted if id_ not in people],
            "chunk_index": 0,
            "chunk_count": 1,
            "nonce": asked["nonce"],
        }
