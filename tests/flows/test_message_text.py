"""The text that a message command reads from a message."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from discord import ui
from msgspec import structs

from bot.custom_ids import custom_id
from bot.flows.message_text import full_text, text_in
from bot.model.model_info import END_OF_TEXT
from bot.services import Services
from bot.store.database import Database
from bot.store.runs import Runs
from bot.text.tokenization import Encodings
from tests.support.samples import NOON, completion_run, walk_run

BOT, OTHER_BOT = 1, 2
ENCODINGS = Encodings()


async def text_of_card(runs: Runs, monkeypatch: pytest.MonkeyPatch, *, author: int) -> str:
    """The text that a message command reads from a card of the run "aaa…" by ``author``."""
    view = ui.LayoutView()
    view.add_item(ui.TextDisplay("the head `\u2068ש\u2069`"))
    view.add_item(ui.TextDisplay("-# small print"))
    view.add_item(ui.ActionRow(ui.Button(label="x", custom_id=custom_id("complete", "why", "a" * 16))))
    monkeypatch.setattr(ui.LayoutView, "from_message", lambda _message, timeout: view)
    message: Any = SimpleNamespace(
        content="",
        author=SimpleNamespace(id=author),
        components=view.children,
        embeds=[],
        attachments=[],
        message_snapshots=[],
    )
    interaction: Any = SimpleNamespace(client=SimpleNamespace(user=SimpleNamespace(id=BOT)))
    generations: Any = None
    return await text_in(message, interaction, Services(generations, ENCODINGS, runs))


@pytest.mark.asyncio
async def test_a_card_is_read_from_its_run_while_that_is_stored(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(database, days=1, clock=lambda: NOON)

    assert await text_of_card(runs, monkeypatch, author=BOT) == "the head ש"
    await runs.keep(completion_run("a" * 16, private=True))
    assert await text_of_card(runs, monkeypatch, author=BOT) == "London was one of"


@pytest.mark.asyncio
async def test_another_bot_s_buttons_open_no_run(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(database, days=1, clock=lambda: NOON)
    await runs.keep(completion_run("a" * 16, private=True))
    text = await text_of_card(runs, monkeypatch, author=OTHER_BOT)

    assert "London" not in text
    assert text.endswith("small print")


def test_a_walk_s_text_is_its_prompt_and_what_was_appended() -> None:
    assert full_text(walk_run("b" * 16, 530, 286), ENCODINGS) == "London was one of"


def test_the_end_of_text_and_an_incomplete_character_are_left_out() -> None:
    half = ENCODINGS.encode("文")[0]

    assert full_text(completion_run("a" * 16, 530, END_OF_TEXT), ENCODINGS) == "London was one"
    assert full_text(completion_run("a" * 16, 530, half), ENCODINGS) == "London was one"


def test_a_full_stop_at_the_end_belongs_to_the_text() -> None:
    run = completion_run("a" * 16, 13, 530, 13)
    ended = replace(run, fingerprint=structs.replace(run.fingerprint, ends=(13,)), finish_reason="stop")

    assert full_text(ended, ENCODINGS) == "London was. one."
