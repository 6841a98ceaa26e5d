"""No matter what answers in Discord's place, the bot ends with one sentence and the right exit status."""

from __future__ import annotations

import asyncio
import signal

import pytest

from bot import login
from bot.errors import DiscordUnreachable, GatewayRefused, InvalidSetting, LoginRefused, StartError
from bot.system.exit_status import ExitStatus, exit_status
from tests.fakes.discord import FakeDiscord
from tests.fakes.discord.faults import (
    Answered,
    Failed,
    Limited,
    Planned,
    Refused,
    RequestFault,
    Reset,
    Silent,
)
from tests.fakes.discord.hosted import hosted
from tests.support.waiting import until

ME, APPLICATION, GATEWAY_INFO = "/users/@me", "/oauth2/applications/@me", "/gateway/bot"
NOT_DISCORD = "not from Discord itself"
STRANGE = "an answer that is not Discord's"
JSON = "application/json"


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "_LONGEST_PAUSE", 0.01)


async def failed_with(fault: RequestFault, path: str) -> StartError:
    """Return the error with which the bot ends if Discord answers so."""
    faults = Planned("GET", path, [fault] * 20)
    async with FakeDiscord.opened(faults=faults) as fake:
        with pytest.raises(StartError) as caught:
            async with hosted(fake):
                pass
    return caught.value


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("path", [ME, APPLICATION])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            Answered(429, "error code: 1015", "text/plain", {"Retry-After": "3600"}),
            f"HTTP 429, {NOT_DISCORD}",
        ),
        (Answered(429, '{"message": "slow"}', JSON), "HTTP 429"),
        (Limited(40_000), "HTTP 429, for the next 40,000 s"),
        (Limited(40_000, everywhere=True), "HTTP 429, for the next 40,000 s"),
        (Answered(401), f"HTTP 401, {NOT_DISCORD}"),
        (Answered(403), f"HTTP 403, {NOT_DISCORD}"),
        (Refused(50001), "HTTP 403, code 50001: Missing Access"),
        (Answered(404), f"HTTP 404, {NOT_DISCORD}"),
        (Answered(404, '{"code": 0, "message": "404: Not Found"}', JSON), "HTTP 404"),
        (Answered(405), f"HTTP 405, {NOT_DISCORD}"),
        (Answered(407), f"HTTP 407, {NOT_DISCORD}"),
        (Answered(451), f"HTTP 451, {NOT_DISCORD}"),
        (Answered(302, headers={"Location": "/users/@me"}), f"HTTP 404, {NOT_DISCORD}"),
        (Answered(302, headers={"Location": "/api/v10" + ME}), STRANGE),
        (Answered(302), f"HTTP 302, {NOT_DISCORD}"),
        (Answered(302, headers={"Location": "ftp://127.0.0.1/"}), STRANGE),
        (Answered(302, headers={"Location": "http://[::1/"}), STRANGE),
        (Answered(304), f"HTTP 304, {NOT_DISCORD}"),
        (Answered(200), STRANGE),
        (Answered(200, ""), STRANGE),
        (Answered(200, "", JSON), STRANGE),
        (Answered(200, "<html>", JSON), STRANGE),
        (Answered(200, "null", JSON), STRANGE),
        (Answered(200, "[]", JSON), STRANGE),
        (Answered(200, '{"signed_in": false}', JSON), STRANGE),
        (Answered(204, ""), STRANGE),
    ],
)
async def test_an_unexpected_response_to_the_login_is_retried_later(
    path: str, fault: RequestFault, said: str
) -> None:
    error = await failed_with(fault, path)

    assert isinstance(error, LoginRefused)
    assert exit_status(error) is ExitStatus.FAILED
    assert f"({said}" in error.sentence
    assert "html" not in error.sentence


@pytest.mark.parametrize("path", [ME, APPLICATION])
@pytest.mark.parametrize(
    ("fault", "said"), [(Failed(503), "HTTP 503"), (Answered(530), "HTTP 530"), (Reset(), "")]
)
async def test_a_discord_that_is_down_is_retried_later(path: str, fault: RequestFault, said: str) -> None:
    error = await failed_with(fault, path)

    assert isinstance(error, DiscordUnreachable)
    assert error.sentence.startswith(f"Discord cannot be reached ({said}")


async def test_a_token_that_has_been_revoked_needs_the_operator() -> None:
    refusal = Answered(401, '{"code": 0, "message": "401: Unauthorized"}', JSON)
    error = await failed_with(refusal, APPLICATION)

    assert isinstance(error, InvalidSetting)
    assert error.sentence.startswith("DISCORD_TOKEN was refused by Discord")


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (Answered(429, headers={"Retry-After": "7"}), 7),
        (Answered(429, headers={"Retry-After": "86400"}), 3600),
        (Answered(429, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), 600),
        (Answered(429), 600),
        (Answered(403), 600),
        (Answered(404), 60),
        (Answered(200), 60),
        (Limited(40_000), 3600),
    ],
)
async def test_the_bot_pauses_before_it_exits(
    fault: RequestFault, seconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with FakeDiscord.opened(faults=Planned("GET", ME, [fault])) as fake:
        joining = asyncio.create_task(joined(fake))
        await until(lambda: "The bot could not log in to Discord" in caplog.text)
        joining.cancel()
        await asyncio.wait({joining})

    assert f"The bot ends in {seconds} s, so that no restart asks sooner." in caplog.text
    assert len(fake.requests) == 1


@pytest.mark.slow
async def test_sigterm_ends_the_pause_at_once() -> None:
    faults = Planned("GET", ME, [Answered(429, headers={"Retry-After": "3000"})])
    async with FakeDiscord.opened(faults=faults) as fake, fake.bot() as bot:
        line = await bot.said("The bot ends in 3000 s")
        bot.signal(signal.SIGTERM)

        assert await bot.wait(10) == 0
    assert "HTTP 429" in line
    assert "Traceback" not in bot.stderr


@pytest.mark.slow
async def test_a_refused_login_is_one_sentence_and_status_1() -> None:
    faults = Planned("GET", ME, [Answered(403, headers={"Retry-After": "1"})])
    async with FakeDiscord.opened(faults=faults) as fake, fake.bot() as bot:
        assert await bot.wait() == 1

    assert "Traceback" not in bot.stderr
    assert bot.stderr.count("The bot could not log in to Discord") == 2  # before the pause, and at the end


@pytest.mark.parametrize("code", [4010, 4011, 4012, 4013, 4014])
async def test_a_gateway_s_final_refusal_needs_the_operator(code: int) -> None:
    async with FakeDiscord.opened() as fake:
        fake.gateway.refusal = code
        with pytest.raises(GatewayRefused, match=f"code {code}") as caught:
            await joined(fake)

    assert exit_status(caught.value) is ExitStatus.NEEDS_FIX


async def test_a_token_that_the_gateway_refuses_needs_the_operator() -> None:
    async with FakeDiscord.opened() as fake:
        fake.gateway.refusal = 4004
        with pytest.raises(InvalidSetting, match="DISCORD_TOKEN was refused by Discord"):
            await joined(fake)


async def joined(fake: FakeDiscord) -> None:
    async with asyncio.timeout(20), hosted(fake) as parts:
        await parts.joining


@pytest.mark.usefixtures("no_pauses")
async def test_a_bot_out_of_connections_for_today_waits() -> None:
    async with FakeDiscord.opened() as fake:
        fake.rest.sessions = 0
        with pytest.raises(LoginRefused, match="1,000 times today"):
            await joined(fake)

    assert fake.gateway.identified == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [Answered(403), Answered(200), Answered(200, "{}", JSON), Limited(60), Silent()]
)
async def test_an_unknown_number_of_connections_does_not_stop_the_bot(
    fault: RequestFault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "_PATIENCE", 0.2)
    async with FakeDiscord.opened(faults=Planned("GET", GATEWAY_INFO, [fault])) as fake, hosted(fake):
        assert fake.gateway.is_connected
