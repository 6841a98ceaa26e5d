"""The cards of ``/help``: what the bot can do, its words, who may do what, and privacy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import discord
from discord import ui

from bot.cards.layout import NO_BREAK, PRIVATE_COLOUR, Button, Row, arranged, button
from bot.custom_ids import help_id
from bot.features.examples import EXAMPLES, Example
from bot.features.guess import PATIENCE
from bot.quoting import duration, plural

_IN_A_ROW = 3  # on a phone


class Page(StrEnum):
    """A page of the help; the value is in the custom_id of the button that opens it."""

    COMMANDS = "commands"
    GLOSSARY = "glossary"
    PEOPLE = "people"
    PRIVACY = "privacy"


@dataclass(frozen=True, slots=True)
class HelpCard:
    """``page``, for a bot that keeps texts for ``days`` days."""

    page: Page
    days: int


_TITLES = {Page.GLOSSARY: "Glossary", Page.PEOPLE: "Who may do what", Page.PRIVACY: "Privacy"}
_INTRODUCTION = (
    "### Look inside a language model\n"
    "It writes by guessing the next token, a word or a part of one, again and again. "
    "Press a button for an example:"
)
_DOES = {
    "tour": "how it works, in seven pictures",
    "complete": "it writes on from your text",
    "next": "you pick among its top guesses",
    "surprise": "what it didn't expect in a text",
    "tokens": "how a text is cut",
    "compare": "careful and daring side by side",
    "vocabulary": "which tokens are alike",
    "guess": "a game for the whole channel",
}
_ALSO = (
    "Also: **/decode** turns token ids into text, **/model** says what this model is, **/forget** deletes "
    "what is stored about you."
)
_GLOSSARY = {
    "token": "a word or a part of one that the model reads and writes as a unit: `wizard` is one token, "
    "`hippopotamus` is four.",
    "logit": "the score that the model gives a token for coming next: after `Once upon a`, `time` scores "
    "high and `umbrella` low.",
    "probability": f"how often a token would be drawn: with 25{NO_BREAK}%, about one time in four.",
    "temperature": "how daring the draw is: at 0 always the top guess, at 1 as often as the model says, at 2 "
    "almost anything.",
    "seed": "the number that fixes the dice: with seed 7, the same prompt and settings give the same text "
    "tomorrow.",
    "entropy": "how unsure the model is about the next token: 0 bits is certain, 1 bit a coin flip, 3 bits "
    "like choosing among eight equal options.",
    "perplexity": "how many equal options each token of a text was like, on average: 1 if the model knew it "
    "by heart, 20 for plain prose, 1,000 for nonsense.",
}


def help_card(content: HelpCard) -> ui.LayoutView:
    """Build the page that is asked for."""
    match content.page:
        case Page.COMMANDS:
            return _commands()
        case Page.GLOSSARY:
            lines = [f"**{term}**: {meaning}" for term, meaning in _GLOSSARY.items()]
        case Page.PEOPLE:
            lines = _people()
        case Page.PRIVACY:
            lines = _privacy(content.days)
    return arranged(
        "\n".join([f"### {_TITLES[content.page]}", *lines]),
        Row(button("Back", help_id(Page.COMMANDS), style=discord.ButtonStyle.primary)),
        facts="Only you see this.",
        colour=PRIVATE_COLOUR,
    )


def _commands() -> ui.LayoutView:
    """List the commands, with a button for each that runs its example."""
    buttons = [_example(example) for example in EXAMPLES]
    return arranged(
        "\n".join([_INTRODUCTION, *(f"**/{command}**: {does}" for command, does in _DOES.items()), _ALSO]),
        *(Row(*buttons[start : start + _IN_A_ROW]) for start in range(0, len(buttons), _IN_A_ROW)),
        Row(*(button(title, help_id(page)) for page, title in _TITLES.items())),
        facts="Only you see this card and its examples. The game is posted for everyone to play.",
        colour=PRIVATE_COLOUR,
    )


def _example(example: Example) -> Button:
    """Make the button that runs an example; the tour is the one to begin with."""
    style = discord.ButtonStyle.primary if example.command == "tour" else discord.ButtonStyle.secondary
    return button(f"/{example.command}", help_id("run", example.command), style=style)


def _people() -> list[str]:
    reveal = f"the person who started it and moderators at once, anyone after {duration(PATIENCE)}"
    others = (
        "On someone else's card, **Continue**, **Re-roll** and another token in **Why this word?** write a "
        "text of your own. In a walk or a tour, you get a private one of your own."
    )
    return [
        "**Anyone who sees a card** may press all its buttons, except:",
        "**Stop**: only the person who requested the text.",
        "**Delete**: the person who requested or shared the card, and moderators (they may manage messages).",
        "**Share**: only you, on a card that only you see. It is posted for all, with your name.",
        f"**Reveal** in a round of `/guess`: {reveal}.",
        others,
    ]


def _privacy(days: int) -> list[str]:
    stored = (
        "For its buttons, the bot stores the texts of `/complete`, `/next`, `/compare`, `/tour` and `/guess` "
        f"with your Discord id for {plural(days, 'day')}, but no names and no other texts."
    )
    seen = (
        "A reply in a channel is for all who see the channel, a private one for you alone; the people who "
        "run the bot can read what is stored."
    )
    return [stored, seen, "`/forget` deletes what is stored about you."]
