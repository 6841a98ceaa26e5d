"""The last search of a card finds a blocked word anywhere on it."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from discord import ui

from bot.cards import error
from bot.errors import Withheld
from bot.interactions.outgoing import refuse_blocked_words
from bot.moderation.blocklist import BlockedWords
from bot.moderation.rules import Rules
from bot.text.escaping import code, fenced, inert


def interaction(*words: str) -> Any:
    rules = Rules(BlockedWords.read(words))
    return SimpleNamespace(client=SimpleNamespace(services=SimpleNamespace(rules=rules)))


def showing(*items: ui.Item[Any]) -> ui.LayoutView:
    view = ui.LayoutView()
    view.add_item(ui.Container(*items))
    return view


@pytest.mark.parametrize(
    "card",
    [
        lambda: showing(ui.TextDisplay("oh **darn** it")),
        lambda: showing(ui.TextDisplay("**da**rn")),
        lambda: showing(ui.TextDisplay(inert("*darn*"))),
        lambda: showing(ui.TextDisplay(code("`darn`"))),
        lambda: showing(ui.TextDisplay(fenced("print('darn')", "python"))),
        lambda: showing(ui.ActionRow(ui.Button(label="+ ␣darn", custom_id="x"))),
        lambda: showing(ui.Section("x", accessory=ui.Button(label="darn", custom_id="x"))),
        lambda: showing(ui.ActionRow(ui.Select(options=[discord.SelectOption(label="darn", value="1")]))),
        lambda: showing(ui.MediaGallery(discord.MediaGalleryItem("attachment://x.png", description="darn"))),
    ],
)
def test_a_blocked_word_is_found_in_every_part_of_a_card(card: Callable[[], ui.LayoutView]) -> None:
    refuse_blocked_words(interaction(), card())
    refuse_blocked_words(interaction("durn"), card())
    with pytest.raises(Withheld):
        refuse_blocked_words(interaction("darn"), card())


def test_a_blocked_word_is_found_in_a_text_file_which_can_still_be_sent() -> None:
    text = discord.File(io.BytesIO(b"oh darn \xf0\x9f"), "text.txt")
    picture = discord.File(io.BytesIO(b"\x89PNG darn"), "tokens.png")
    with pytest.raises(Withheld):
        refuse_blocked_words(interaction("darn"), error("x"), [text])
    refuse_blocked_words(interaction("darn"), error("x"), [picture])

    assert text.fp.read() == b"oh darn \xf0\x9f"


def test_the_rest_of_a_clipped_word_does_not_count() -> None:
    refuse_blocked_words(interaction("darn"), showing(ui.TextDisplay("…darn")))
    refuse_blocked_words(interaction("darn"), showing(ui.TextDisplay("darn…")))
