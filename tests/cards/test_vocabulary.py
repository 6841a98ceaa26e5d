"""The /vocabulary card explains any token."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from discord import ui
from hypothesis import given

from bot import cards
from bot.cards import Audience, Similar, VocabularyCard
from bot.cards.pictures.bars import Bar
from bot.text.escaping import visible
from bot.text.pieces import Token
from tests.support.limits import alt_of, assert_within_limits, buttons_of, text_of
from tests.support.samples import ADA
from tests.support.vocabulary_cards import CONTENT, WILL, contents

PHONE = 32  # characters of a code block


def menu_of(view: ui.LayoutView) -> ui.Select[Any]:
    (menu,) = (item for item in view.walk_children() if isinstance(item, ui.Select))
    return menu


@pytest.mark.slow
@given(contents)
def test_any_token_fits_in_a_message_and_its_tables_on_a_phone(content: VocabularyCard) -> None:
    numbers = cards.vocabulary_numbers(content)

    assert_within_limits(cards.vocabulary(content))
    assert_within_limits(numbers)
    tables = text_of(numbers).split("```")[1::2]
    assert all(len(line) <= PHONE for table in tables for line in table.split("\n"))


@given(contents)
def test_below_the_picture_are_at_most_three_lines(content: VocabularyCard) -> None:
    view = cards.vocabulary(replace(content, stem=visible(content.stem)))
    head, *result, facts = (item.content for item in view.walk_children() if isinstance(item, ui.TextDisplay))

    assert head.startswith("### ")
    assert facts.startswith("-# ")
    assert len("\n".join(result).split("\n")) <= 3


@pytest.mark.slow
@given(contents)
def test_the_menu_keeps_discord_s_limits(content: VocabularyCard) -> None:
    distinct = {token.id: token for token in (*content.neighbours, content.token)}
    content = replace(
        content, neighbours=tuple(distinct.values()), twin=None, spelt=None, longer=(), similar=()
    )
    menus = [item for item in cards.vocabulary(content).walk_children() if isinstance(item, ui.Select)]

    assert len(menus) == (len(distinct) > 1)
    for menu in menus:
        assert len({option.value for option in menu.options}) == len(menu.options) <= 25
        assert all(1 <= len(option.label) <= 100 for option in menu.options)
        assert all(len(option.description or "") <= 100 for option in menu.options)
        assert len(menu.custom_id) <= 100


def test_the_token_comes_first_with_its_id() -> None:
    text = text_of(cards.vocabulary(CONTENT))

    numbers = text_of(cards.vocabulary_numbers(CONTENT))

    assert text.startswith("### `␣will` is token 481\n")
    assert numbers.startswith("### `␣will` is token 481\nOne of 50,257 tokens · 5 bytes `20 77 69 6C 6C`\n")


def test_the_closest_tokens_are_a_picture_of_their_cosines() -> None:
    view = cards.vocabulary(CONTENT)

    assert cards.vocabulary_bars(CONTENT) == (Bar("␣shall", 0.712, "0.712"), Bar("␣may", 0.0, "−0.040"))
    assert alt_of(view) == "The closest tokens by cosine: ␣shall 0.712; ␣may −0.040"
    assert "its nearest neighbours in the model's map of tokens (1 is the same, 0 unrelated)" in text_of(view)


def test_a_token_without_close_ones_has_no_picture_of_them() -> None:
    view = cards.vocabulary(replace(CONTENT, similar=()))

    assert alt_of(view) == ""
    assert "Closest tokens" not in text_of(view)
    assert "Closest tokens" not in text_of(cards.vocabulary_numbers(replace(CONTENT, similar=())))


@pytest.mark.parametrize(
    ("least", "said"),
    [
        (0.949, None),
        (0.951, "hardly learnt"),
        (0.9994, "hardly learnt"),
        (0.9996, "never learnt"),
        (1.0, "never learnt"),
    ],
)
def test_a_token_close_to_all_others_was_not_learnt_and_that_comes_first(
    least: float, said: str | None
) -> None:
    alike = (Similar(Token(1, b"a"), 1.0), Similar(Token(2, b"b"), least))
    line = text_of(cards.vocabulary(replace(CONTENT, typed="wil", similar=alike))).splitlines()[1]

    if said is None:
        assert "learnt" not in line
    else:
        assert line.startswith(f"**The model {said} this token**")


def test_the_same_word_with_or_without_the_space_is_another_token() -> None:
    with_space = text_of(cards.vocabulary(CONTENT))
    without = text_of(cards.vocabulary(replace(CONTENT, token=Token(10594, b"will"), twin=WILL)))

    assert "\nAt the start of a text it's `will`, token 10594: pick it from the menu.\n" in with_space
    assert "\nWithin a sentence it's `␣will`, token 481: pick it from the menu.\n" in without


def test_tokens_with_the_same_start_are_counted() -> None:
    one = replace(CONTENT, longer=(Token(4684, b" willing"),), count=1)

    head = "**7 more tokens start with** `will`"
    ids = "`␣willing` 4684 · `␣wills` 49928 · …"

    assert f"{head}: `␣willing` `␣wills` …\n" in text_of(cards.vocabulary(CONTENT))
    assert f"{head}, with or without a space: {ids}\n" in text_of(cards.vocabulary_numbers(CONTENT))
    assert "**1 more token starts with** `will`" in text_of(cards.vocabulary(one))
    assert "more token" not in text_of(cards.vocabulary(replace(CONTENT, longer=(), count=0)))


def test_a_query_that_is_not_a_token_is_repeated() -> None:
    text = text_of(cards.vocabulary(replace(CONTENT, typed="wil`l")))

    assert "No token is exactly `wilˋl`; this is the most common one that starts with it." in text


def test_a_token_found_in_another_case_says_so() -> None:
    text = text_of(cards.vocabulary(replace(CONTENT, typed="WIL", other_case=True)))

    assert "No token starts with `WIL`, but this one does in another case." in text
    assert "No token is" not in text


def test_a_number_that_is_also_a_token_says_so() -> None:
    text = text_of(cards.vocabulary(replace(CONTENT, spelt=Token(40271, b"481"))))

    assert "I read 481 as an id. As text, it's token 40271." in text


def test_part_of_a_character_is_shown_as_its_bytes_and_named_as_such() -> None:
    text = text_of(cards.vocabulary(replace(CONTENT, token=Token(447, b"\xe2\x80"), twin=None)))

    assert text.startswith("### `\\xE2\\x80` is token 447\n")
    assert "This token is only part of a character" in text
    assert "This token is only part of a character" not in text_of(cards.vocabulary(CONTENT))


def test_a_control_character_is_named() -> None:
    token = Token(201, b"\r")
    text = text_of(cards.vocabulary(replace(CONTENT, token=token, twin=None)))

    assert "`\\x0D` is a carriage return." in text
    assert "part of a character" not in text


def test_the_end_of_text_token_is_not_text() -> None:
    token = Token(50256, b"<|endoftext|>")
    text = text_of(cards.vocabulary(replace(CONTENT, token=token, ends_text=True)))

    assert "This token isn't text: the model uses it to end a text." in text


def test_an_added_token_and_an_id_without_a_token_are_explained() -> None:
    added = replace(CONTENT, token=Token(50257, b"<|user|>"), twin=None, is_special=True, in_order=False)
    missing = replace(CONTENT, token=Token(50300, b""), twin=None, longer=(), in_order=False)

    assert "added to the vocabulary whole" in text_of(cards.vocabulary(added))
    assert "created" not in text_of(cards.vocabulary_numbers(added))
    assert "in which the vocabulary was made" in text_of(cards.vocabulary_numbers(added))
    assert text_of(cards.vocabulary(missing)).startswith("### Id 50300 has no token\n")


def test_the_menu_has_every_other_token_of_the_card_once() -> None:
    menu = menu_of(cards.vocabulary(replace(CONTENT, similar=(Similar(Token(482, b"ok"), 0.5),))))

    assert [option.value for option in menu.options] == ["10594", "482", "4684", "49928", "480"]
    assert [option.label for option in menu.options] == ["will", "ok", "␣willing", "␣wills", "ame"]
    assert menu.options[1].description == "id 482 · cosine 0.500"
    assert menu.custom_id == f"vocabulary:token:{ADA}"


def test_the_menu_starts_with_the_twin_and_says_where_it_is_used() -> None:
    similar = Similar(WILL, 0.9)
    without = menu_of(
        cards.vocabulary(replace(CONTENT, token=Token(10594, b"will"), twin=WILL, similar=(similar,)))
    )
    spaced = menu_of(cards.vocabulary(CONTENT))

    assert without.options[0].description == "id 481 · within a sentence"
    assert spaced.options[0].description == "id 10594 · at the start of a text"


def test_it_ends_with_share_or_delete() -> None:
    private = replace(CONTENT, audience=Audience(ADA, private=True))

    assert list(buttons_of(cards.vocabulary(CONTENT))) == ["Numbers", "Delete"]
    assert list(buttons_of(cards.vocabulary(private))) == ["Numbers", "Share"]
    assert buttons_of(cards.vocabulary(CONTENT))["Numbers"].custom_id == "numbers:vocabulary:481"


def test_the_small_print_explains_only_the_signs_on_the_card() -> None:
    spaced = text_of(cards.vocabulary(CONTENT)).splitlines()[-1]
    byte = replace(CONTENT, token=Token(447, b"\xe2\x80"), twin=None, longer=(), similar=())

    assert spaced == "-# gpt2-large · ␣ is a space"
    assert text_of(cards.vocabulary(byte)).splitlines()[-1] == "-# gpt2-large · `\\xE2` is a byte"
