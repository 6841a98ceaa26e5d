"""One command in a terminal: the bot's card on stdout, or one sentence on stderr."""

from __future__ import annotations

import pytest

from bot.errors import ModelUnusable
from bot.playground.plain import RULE
from bot.playground.try_command import attempt
from bot.services import Services

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def at_once() -> None:
    """The model is ready."""


async def test_a_stream_prints_its_final_card(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    line = "/complete prompt:London was seed:42 max_tokens:8"

    assert await attempt(line, services, ready=at_once) == 0

    said = capsys.readouterr()
    text, rule, _, facts, *rows = said.out.splitlines()
    assert said.out.startswith("London was")
    assert rule == RULE
    assert rows[0].startswith("[Continue]  [Re-roll]")
    assert "seed 42" in facts
    assert "8 tokens" in facts
    assert text
    assert said.err == ""


async def test_the_same_line_prints_the_same_text(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for _ in range(2):
        await attempt("/complete prompt:London was seed:7 max_tokens:8", services, ready=at_once)
        texts.append(capsys.readouterr().out.partition(RULE)[0])

    assert texts[0] == texts[1]


async def test_the_next_tokens_and_their_buttons(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt("/next prompt:London was", services, ready=at_once) == 0

    said = capsys.readouterr().out
    assert sum(said.count(f"[{place} ") for place in "①②③④⑤") == 5
    assert "[Undo] (disabled)" in said


async def test_a_picture_is_its_alt_text(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    assert await attempt("/tokens text:Paris will", services, ready=at_once) == 0

    said = capsys.readouterr().out
    assert "(picture: " in said
    assert "40313" in said


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("/nxt prompt:x", "There is no command /nxt; there are /"),
        ("/tokens", "/tokens needs text:…; its options are text (required), encoding, private."),
        ("/complete prompt:x max_tokens:257", "max_tokens must be a whole number from 1 to 256, not '257'."),
        ("/decode ids:-1", "'-1' isn't a token id in gpt2. Ids are whole numbers from 0 to 50,256."),
        ("/tokens text:x encoding:gpt3", "There is no encoding or model called 'gpt3'."),
    ],
)
async def test_a_refusal_is_one_sentence_and_status_1(
    line: str, sentence: str, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(line, services, ready=at_once) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


async def test_an_invalid_command_does_not_wait_for_the_model(services: Services) -> None:
    async def never() -> None:
        raise AssertionError("waited")

    assert await attempt("/nxt", services, ready=never) == 1


async def test_an_unusable_model_raises_an_error_for_the_caller(services: Services) -> None:
    async def broken() -> None:
        raise ModelUnusable("there", problem="nothing is there.", reason="not_found")

    with pytest.raises(ModelUnusable):
        await attempt("/next prompt:x", services, ready=broken)
