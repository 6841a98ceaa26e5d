"""Cards in a terminal."""

from typing import Any

import discord
from discord import ui
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.plain import RULE, leaves, plain


def lines(*items: "ui.Item[ui.LayoutView]") -> list[str]:
    view: Any = ui.LayoutView(timeout=None)  # its to_components has no types
    view.add_item(ui.Container[ui.LayoutView](*items))
    return plain(view.to_components()).split("\n")


def text(content: str) -> ui.TextDisplay[ui.LayoutView]:
    return ui.TextDisplay(content)


@given(st.text())
def test_no_text_controls_the_terminal(given_text: str) -> None:
    shown = "\n".join(lines(text(given_text)))

    assert not any((ord(sign) < 32 and sign not in "\n\t") or 127 <= ord(sign) < 160 for sign in shown)


def test_formatting_is_undone() -> None:
    content = "# Heading\n-# small **bold** __under__ ~~out~~ ||hidden||\n> quoted\n- kept"

    assert lines(text(content)) == ["Heading", "small bold under out hidden", "quoted", "- kept"]


def test_a_section_shows_its_button_behind_the_first_line() -> None:
    button: ui.Button[ui.LayoutView] = ui.Button(label="+ one", custom_id="a")

    assert lines(ui.Section("**1.** one\nid 530", accessory=button)) == ["1. one  [+ one]", "id 530"]


def test_buttons_show_label_emoji_link_and_whether_they_can_be_pressed() -> None:
    row: ui.ActionRow[ui.LayoutView] = ui.ActionRow(
        ui.Button(label="Draw", emoji="🎲", custom_id="a"),
        ui.Button(label="Undo", custom_id="b", disabled=True),
        ui.Button(label="Read", url="https://example.org/"),
    )

    assert lines(row) == ["[🎲 Draw]  [Undo] (disabled)  [Read] https://example.org/"]


def test_rules_pictures_and_files() -> None:
    gallery: ui.MediaGallery[ui.LayoutView] = ui.MediaGallery(
        discord.MediaGalleryItem("attachment://a.png", description="two boxes"),
        discord.MediaGalleryItem("attachment://b.png"),
    )

    assert lines(
        gallery, ui.Separator(), ui.Separator(visible=False), ui.File("attachment://tokens.txt")
    ) == [
        "(picture: two boxes)",
        "(picture)",
        RULE,
        "",
        "(file: tokens.txt)",
    ]


def test_messages_are_blocks_one_under_the_other() -> None:
    assert lines(text("one"), text("two\nthree")) == ["one", "two", "three"]


def test_a_known_person_is_named_unless_the_mention_is_escaped_or_code() -> None:
    view: Any = ui.LayoutView(timeout=None)
    view.add_item(text(r"<@1> and <@!1>, not <@2>, \<@1>, `<@1>`"))

    assert plain(view.to_components(), {1: "Ada"}) == "@Ada and @Ada, not <@2>, <@1>, <@1>"


def test_leaves_are_read_in_order_at_any_depth() -> None:
    button: ui.Button[ui.LayoutView] = ui.Button(label="+ one", custom_id="a")
    view: Any = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(ui.Section("one", accessory=button), ui.Separator()))
    view.add_item(text("two"))

    shown = [part.get("content") or part.get("label") for part in leaves(view.to_components())]
    assert shown == ["one", "+ one", None, "two"]
