"""The cards of /help: every command with its example, and true words about the rest."""

import re

import pytest
from discord import ButtonStyle, ui

from bot import cards
from bot.cards import HelpCard
from bot.cards.help import Page
from bot.cards.layout import PRIVATE_COLOUR
from bot.custom_ids import HELP_TEMPLATE
from bot.features.examples import EXAMPLES
from bot.text.tokenization import Encodings
from tests.support.limits import assert_within_limits, buttons_of, text_of

ENCODINGS = Encodings()
TERMS = ["token", "logit", "probability", "temperature", "seed", "entropy", "perplexity"]


def said(page: Page, *, days: int = 30) -> str:
    return text_of(cards.help_card(HelpCard(page, days)))


@pytest.mark.parametrize("page", Page)
def test_every_page_fits_and_its_buttons_are_the_help_s(page: Page) -> None:
    view = cards.help_card(HelpCard(page, days=30))
    ids = [button.custom_id or "" for button in buttons_of(view).values()]

    assert_within_limits(view)
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(HELP_TEMPLATE, one) for one in ids)
    assert [item.accent_colour for item in view.children if isinstance(item, ui.Container)] == [
        PRIVATE_COLOUR
    ]
    assert [button.style for button in buttons_of(view).values()].count(ButtonStyle.primary) == 1


def test_every_example_has_a_line_and_a_button() -> None:
    buttons = buttons_of(cards.help_card(HelpCard(Page.COMMANDS, days=30)))
    commands = re.findall(r"^\*\*/(\w+)\*\*: \w", said(Page.COMMANDS), re.MULTILINE)

    assert commands == [example.command for example in EXAMPLES]
    assert list(buttons) == [f"/{command}" for command in commands] + [
        "Glossary",
        "Who may do what",
        "Privacy",
    ]
    assert buttons["/next"].custom_id == "help:run:next"
    assert buttons["Glossary"].custom_id == "help:glossary"


def test_the_glossary_explains_each_term_in_one_sentence() -> None:
    lines = [line for line in said(Page.GLOSSARY).splitlines() if line.startswith("**")]

    assert [line.partition("**:")[0].removeprefix("**") for line in lines] == TERMS
    assert all(len(line) <= 170 and line.count(". ") == 0 and line.endswith(".") for line in lines)


def test_the_glossary_s_tokens_are_as_many_as_it_says() -> None:
    assert "`wizard` is one token, `hippopotamus` is four" in said(Page.GLOSSARY)
    assert len(ENCODINGS.encode(" wizard", "gpt2")) == 1
    assert len(ENCODINGS.encode("hippopotamus", "gpt2")) == 4


def test_privacy_takes_three_sentences_and_names_the_days() -> None:
    _, *sentences, _small_print = said(Page.PRIVACY, days=7).splitlines()

    assert len(sentences) == 3
    assert "for 7 days" in sentences[0]
    assert "for 1 day," in said(Page.PRIVACY, days=1)
    assert "/forget" in sentences[2]
