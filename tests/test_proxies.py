"""The bot reaches Discord through the environment's proxy, or one sentence says why not."""

from __future__ import annotations

import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from bot.errors import InvalidSetting
from bot.proxies import Proxy, proxy_for_discord
from bot.settings import Settings
from tests.fakes.discord import FakeDiscord, texts
from tests.fakes.discord.process import BotProcess
from tests.fakes.discord.server import HOST
from tests.fakes.proxy import FakeProxy

WORD = "p@ss/wörd✓"
QUOTED = "p%40ss%2Fw%C3%B6rd%E2%9C%93"
ALLOWED = "it must be http://HOST:PORT or http://USER:PASSWORD@HOST:PORT."


@dataclass(frozen=True)
class Trust:
    """A certificate for a ``server``; ``file`` holds the authority that issued it."""

    server: ssl.SSLContext
    file: Path


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "localhost").configure_cert(server)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return Trust(server, tmp_path / "authority.pem")


@asynccontextmanager
async def behind(
    trust: Trust, address: str, variables: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[tuple[FakeDiscord, FakeProxy, BotProcess]]:
    """The bot, and a Discord that only the proxy at ``address`` can reach."""
    async with (
        FakeDiscord.opened(tls=trust.server) as discord,
        FakeProxy.opened(discord.port, **options) as proxy,
    ):
        environ = {"SSL_CERT_FILE": str(trust.file), "HTTPS_PROXY": address.format(port=proxy.port)}
        async with discord.bot(environ | (variables or {})) as bot:
            yield discord, proxy, bot


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_requests_and_the_gateway_go_through_the_proxy(scheme: str, trust: Trust) -> None:
    address = f"{scheme}://ada:{QUOTED}@localhost:{{port}}"
    tls = trust.server if scheme == "https" else None
    async with behind(trust, address, credentials=f"ada:{WORD}", tls=tls) as (discord, proxy, bot):
        await discord.joined()
        interaction = discord.slash(discord.person("ada"), discord.channel(), "tokens", text="London was")
        await interaction.settled()
        bot.signal(signal.SIGTERM)

        assert await bot.wait() == 0
    assert interaction.reply is not None
    assert "2 tokens for GPT-2 and GPT-3" in "\n".join(texts(interaction.reply.components))
    assert set(proxy.asked) == {f"CONNECT {HOST}:{discord.port}"}
    assert WORD not in bot.stderr
    assert QUOTED not in bot.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("refusal", "status", "said"),
    [
        (None, 2, f"HTTPS_PROXY names a proxy that refuses this user and password (HTTP 407); {ALLOWED}"),
        ("502 Bad Gateway", 1, "Discord cannot be reached (HTTP 502, not from Discord itself)"),
    ],
)
async def test_a_proxy_s_refusal_is_one_sentence(
    refusal: str | None, status: int, said: str, trust: Trust
) -> None:
    address = f"http://ada:{QUOTED}@localhost:{{port}}"
    async with behind(trust, address, credentials="ada:another", refusal=refusal) as (_, _, bot):
        assert await bot.wait() == status

    assert bot.lines[-1].startswith(said)
    assert "Traceback" not in bot.stderr
    assert QUOTED not in bot.stderr


@pytest.mark.slow
async def test_a_proxy_that_blocks_discord_delays_the_end(trust: Trust) -> None:
    async with behind(trust, "http://localhost:{port}", refusal="403 Forbidden") as (_, _, bot):
        line = await bot.said("The bot ends in 600 s")

    assert "HTTP 403, not from Discord itself" in line


@pytest.mark.slow
async def test_an_unreachable_proxy_is_one_sentence(trust: Trust) -> None:
    async with behind(trust, "http://127.0.0.1:1") as (_, _, bot):
        assert await bot.wait() == 1

    assert bot.lines[-1].startswith("Discord cannot be reached (ClientProxyConnectionError)")


@pytest.mark.slow
async def test_discord_can_be_exempt_from_the_proxy(trust: Trust) -> None:
    variables = {"NO_PROXY": "localhost,.discord.com,discord.gg"}
    async with behind(trust, "http://localhost:{port}", variables) as (_, proxy, bot):
        assert await bot.wait() == 1

    assert bot.lines[-1].startswith("Discord cannot be reached (ClientConnectorDNSError)")
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, None),
        ({"HTTPS_PROXY": " "}, None),
        ({"HTTP_PROXY": "http://a:1"}, None),
        ({"HTTPS_PROXY": "http://a:1"}, "http://a:1"),
        ({"HTTPS_PROXY": "a:1"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a"}, "http://a"),
        ({"HTTPS_PROXY": "HTTP://[::1]:3128/"}, "HTTP://[::1]:3128/"),
        ({"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, "http://a:1"),
        ({"ALL_PROXY": "http://a:1"}, "http://a:1"),
        ({"all_proxy": "socks5://a:1", "HTTPS_PROXY": "http://b:1"}, "http://b:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://a:1", "no_proxy": "example.org, discord.com, .discord.gg"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "example.org,localhost,cord.com"}, "http://a:1"),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "localhost, *,"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*.discord.com,DISCORD.GG"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": ", . ,*.,"}, "http://a:1"),
        ({"HTTPS_PROXY": "nonsense", "NO_PROXY": "*"}, None),
    ],
)
def test_the_environment_is_read_as_other_programs_do(environ: dict[str, str], address: str | None) -> None:
    proxy = address and Proxy(address)

    assert proxy_for_discord(environ) == proxy
    assert Settings.from_env(environ | {"DISCORD_TOKEN": "t"}).https_proxy == proxy


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "given",
    [
        "http://",
        "http://:3128",
        "http://ada:hunter2@",
        "http://ada:hunter2@a:b",
        "http://ada:hunter2@a:99999",
        "http://ada:hunter2/x@a:3128",
        "http://ada:hunter2#x@a:3128",
        "http://ada:hunter2?x@a:3128",
        "http://ada:hunter2@a:3128/path",
        "http://ada:hunter2@[::1:3128",
        "http://ada:hunter2@a b:3128",
        "http://ada:hunter2@a\r\nb:3128",
        "http://ada%3Ax:hunter2@a:3128",
        "ftp://ada:hunter2@a:3128",
        "://ada:hunter2@a",
        "socks5://ada:hunter2@a:1080",
        "SOCKS5H://ada:hunter2@a:1080",
    ],
)
def test_an_unusable_proxy_is_refused_without_quoting_it(variable: str, given: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        proxy_for_discord({variable: given})

    is_socks = given.lower().startswith("socks")
    problem = "is a SOCKS proxy" if is_socks else "is not the address of a proxy"
    assert caught.value.sentence == f"{variable} {problem}; {ALLOWED}"


@pytest.mark.parametrize("excepted", ["discord.com", "gateway.discord.gg", "discord.gg,localhost"])
def test_half_of_discord_cannot_be_exempt(excepted: str) -> None:
    with pytest.raises(InvalidSetting, match="NO_PROXY names only one of"):
        proxy_for_discord({"HTTPS_PROXY": "http://a:1", "NO_PROXY": excepted})


def test_the_playground_ignores_the_proxy() -> None:
    assert Settings.from_env({"HTTPS_PROXY": "nonsense"}).https_proxy is None


def test_the_password_is_in_no_repr_and_kept_out_of_the_log() -> None:
    settings = Settings.from_env({"DISCORD_TOKEN": "t.o.k", "HTTPS_PROXY": f"http://ada:{QUOTED}@a:1"})

    assert QUOTED not in repr(settings)
    assert settings.https_proxy is not None
    assert settings.https_proxy.url == "http://a:1"
    assert settings.secrets == ("t.o.k", WORD, QUOTED)
