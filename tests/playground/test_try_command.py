"""One command in a terminal: the bot's card on stdout, or one sentence on stderr."""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.errors import ModelUnusable
from bot.moderation.blocklist import BlockedWords
from bot.moderation.rules import Rules
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
    card, _, numbers = said.out.partition(f"{RULE}\nNumbers\n")
    *text, _, ending, row, _, facts = card.splitlines()
    assert text[0].startswith("London was")
    assert ending == "Bold is your prompt. Stopped at the 8-token limit."
    assert row.startswith("[Continue]  [Re-roll]")
    assert "seed 42" in facts
    assert "8 tokens" in facts
    assert "Tokens: 2 in the prompt, 8 after it" in numbers
    assert said.err == ""


async def test_the_same_line_prints_the_same_text(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for _ in range(2):
        await attempt("/complete prompt:London was seed:7 max_tokens:8", services, ready=at_once)
        texts.append(capsys.readouterr().out.partition("Bold is your prompt.")[0])

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


async def test_what_numbers_shows_stands_below_the_card(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt("/next prompt:London was seed:42", services, ready=at_once) == 0

    card, rule, numbers = capsys.readouterr().out.partition(f"{RULE}\nNumbers\n")
    assert rule
    assert "[Numbers]" in card
    assert len(re.findall(r"^[1-5]\. ␣\w+ \d+\.\d % · id \d+ · logit -?\d", numbers, re.MULTILINE)) == 5
    assert re.search(r"Entropy of the whole distribution: \d+\.\d+ bits", numbers)


async def test_an_attached_text_is_printed_below_the_card(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt("/surprise text:It was bananas", services, ready=at_once) == 0

    card, _, file = capsys.readouterr().out.partition("(file: surprise.txt)")
    assert card
    assert len(re.findall(r"^ +[123] .*(It|␣was|␣bananas)", file, re.MULTILINE)) == 3


async def test_people_are_called_by_their_names(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt("/guess text:Once upon a time there", services, ready=at_once) == 0

    said = capsys.readouterr().out
    assert "@Ada" in said
    assert "<@" not in said


async def printed(line: str, services: Services, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    await attempt(line, services, ready=at_once, as_json=True)
    said = capsys.readouterr()
    assert said.err == ""
    facts: dict[str, Any] = json.loads(said.out)
    return facts


async def test_json_holds_the_table_that_the_card_shows(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "/next prompt:London was seed:42 temperature:1 private:true"
    facts = await printed(line, services, capsys)

    (card,) = facts.pop("cards")
    assert facts == {"command": line, "ok": True, "error": None}
    assert (card["private"], card["refused"], card["files"]) == (True, False, [])
    assert card["text"][0] == "London was ▁▁▁"
    assert {"label": "Undo", "disabled": True} in card["buttons"]
    assert any(line.startswith("These five: ") for line in card["numbers"])
    (run,) = card["runs"]
    assert (run["kind"], run["prompt"], run["prompt_ids"]) == ("walk", "London was", [23421, 373])
    assert (run["seed"], run["temperature"], run["token_ids"], run["text"]) == (42, 1.0, [], "")
    (step,) = run["steps"]
    assert step["chosen"] is None
    assert [candidate["rank"] for candidate in step["candidates"]] == [1, 2, 3, 4, 5]
    first, second = step["candidates"][:2]
    assert math.isclose(
        first["probability"] / second["probability"], math.exp(first["logit"] - second["logit"])
    )
    (picture,) = card["pictures"]
    assert f"id {first['id']} · logit {first['logit']:.2f}" in picture


async def test_json_holds_each_step_of_a_text(services: Services, capsys: pytest.CaptureFixture[str]) -> None:
    facts = await printed("/complete prompt:Hello seed:3 max_tokens:4", services, capsys)

    ((card,), (run,)) = facts["cards"], facts["cards"][0]["runs"]
    assert run["kind"] == "text"
    assert run["finish_reason"] == "length"
    assert [step["chosen"]["id"] for step in run["steps"]] == run["token_ids"]
    assert "".join(step["chosen"]["token"] for step in run["steps"]) == run["text"]
    assert "\n".join(card["text"]).startswith("Hello" + run["text"])


async def test_json_holds_all_runs_of_a_comparison_and_attached_texts(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    compared = await printed("/compare prompt:Hello seed:3 max_tokens:4", services, capsys)
    read = await printed("/surprise text:It was bananas", services, capsys)

    runs = compared["cards"][0]["runs"]
    assert len({run["text"] for run in runs}) > 1
    assert len({(run["temperature"], run["top_p"]) for run in runs}) == len(runs)
    ((file,), runs) = read["cards"][0]["files"], read["cards"][0]["runs"]
    assert file["name"] == "surprise.txt"
    assert "␣bananas" in file["text"]
    assert runs == []


async def test_json_shows_nothing_that_a_blocked_word_may_be_in(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = replace(services, rules=Rules(blocked=BlockedWords.read(["zebra"])))
    facts = await printed("/next prompt:London was seed:42", strict, capsys)

    assert facts["ok"]
    assert facts["cards"][0]["runs"] == []


async def test_json_says_why_there_is_no_answer(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    mistyped = await printed("/tokens", services, capsys)
    refused = await printed("/tokens text:x encoding:gpt3", services, capsys)

    assert not mistyped["ok"]
    assert mistyped["error"].startswith("/tokens needs text:…;")
    assert mistyped["cards"] == []
    assert not refused["ok"]
    assert refused["cards"][0]["refused"]
    assert "There is no encoding or model called 'gpt3'." in refused["cards"][0]["text"][0]


async def test_pictures_and_files_are_saved(
    services: Services, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    line = "/surprise text:It was bananas"
    assert await attempt(line, services, ready=at_once, folder=folder) == 0

    said = capsys.readouterr().err.splitlines()
    assert said == [f"Saved {folder / 'surprise.png'}", f"Saved {folder / 'surprise.txt'}"]
    assert Image.open(io.BytesIO((folder / "surprise.png").read_bytes())).format == "PNG"
    assert "␣bananas" in (folder / "surprise.txt").read_text(encoding="utf-8")


async def test_a_folder_that_cannot_be_written_fails_in_one_sentence(
    services: Services, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert await attempt("/tokens text:x", services, ready=at_once, folder=file) == 1

    assert capsys.readouterr().err == f"The files cannot be saved in {file}: File exists.\n"


@pytest.mark.parametrize(
    ("line", "sentence", "status"),
    [
        ("/nxt prompt:x", "There is no command /nxt; there are /", 2),
        ("/tokens", "/tokens needs text:…; its options are text (required), encoding, private.", 2),
        (
            "/complete prompt:x max_tokens:257",
            "max_tokens must be a whole number from 1 to 256, not '257'.",
            2,
        ),
        (
            "/complete prompt:hi temp:1",
            "/complete has no option temp; its options are prompt (required), ",
            2,
        ),
        ('/next prompt:"London was', "The quotation mark at the start of prompt is never closed; ", 2),
        ("/decode ids:-1", "'-1' isn't a token id in gpt2. Ids are whole numbers from 0 to 50,256.", 1),
        ("/tokens text:x encoding:gpt3", "There is no encoding or model called 'gpt3'.", 1),
    ],
)
async def test_a_mistyped_or_refused_command_is_one_sentence_and_a_status(
    line: str, sentence: str, status: int, services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(line, services, ready=at_once) == status

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


async def test_an_invalid_command_does_not_wait_for_the_model(services: Services) -> None:
    async def never() -> None:
        raise AssertionError("waited")

    assert await attempt("/nxt", services, ready=never) == 2


async def test_an_unusable_model_raises_an_error_for_the_caller(services: Services) -> None:
    async def broken() -> None:
        raise ModelUnusable("there", problem="nothing is there.", reason="not_found")

    with pytest.raises(ModelUnusable):
        await attempt("/next prompt:x", services, ready=broken)
