"""The card of ``/compare``: one prompt, continued by several methods."""

from __future__ import annotations

import discord
from discord import ui

from bot.cards.compare_branches import comparison_alt, counted, in_a_line, is_cut, name_of, placed
from bot.cards.compare_content import ComparedText, ComparisonCard
from bot.cards.layout import (
    WAITING_COLOUR,
    WRITING_COLOUR,
    Button,
    Row,
    arranged,
    button,
    numbers_button,
    picture,
    spaced,
)
from bot.custom_ids import custom_id
from bot.errors import Withheld
from bot.features.compare import METHODS
from bot.queue.updates import Queued
from bot.quoting import plural
from bot.text.escaping import bold, inert_head, inert_tail
from bot.text.wrapping import last_rows

PICTURE = "branches.png"
TEXTS = "texts.txt"

_PROMPT_BUDGET = 600
_PROMPT_ROWS = 6
_TEXT_BUDGET = 400
_TEXT_ROWS = 4  # while it is written
_MODEL_BUDGET = 100
_IN_A_ROW = 3  # buttons


def comparison(content: ComparisonCard) -> ui.LayoutView:
    """Build the card; once all is over it shows an attachment named PICTURE, drawn from
    :func:`comparison_tree`, and one named TEXTS if it :func:`is_cut`."""
    return _done(content) if content.over else _writing(content)


def _title(content: ComparisonCard) -> str:
    return f"### One prompt, {counted(content)} ways to go on"


def _done(content: ComparisonCard) -> ui.LayoutView:
    return arranged(
        _title(content),
        *_opening(content),
        Row(*_actions(content)),
        picture=picture(PICTURE, comparison_alt(content)),
        result=_result(content),
        attached=TEXTS if is_cut(content) else None,
        facts=_facts(content),
        colour=content.audience.colour,
    )


def _writing(content: ComparisonCard) -> ui.LayoutView:
    prompt = bold(inert_tail(last_rows(content.prompt, _PROMPT_ROWS), _PROMPT_BUDGET))
    texts = [f"**{name_of(place, one)}** {_growing(one)}" for place, one in placed(content)]
    waits = all(isinstance(one.continuation.news, Queued) for one in content.texts)
    stop = custom_id("compare", "stop", content.texts[0].continuation.run_id)
    return arranged(
        prompt,
        Row(button("Stop", stop, style=discord.ButtonStyle.danger)),
        result=texts,
        facts=_facts(content),
        colour=WAITING_COLOUR if waits else WRITING_COLOUR,
    )


def _growing(one: ComparedText) -> str:
    """The end of what is written so far."""
    if isinstance(one.continuation.news, Queued):
        return "⏳"
    if isinstance(one.continuation.news, Withheld):
        return "(withheld)"
    sign = "" if one.continuation.over else " ✍️"
    return inert_tail(last_rows(in_a_line(one.text).strip(), _TEXT_ROWS), _TEXT_BUDGET) + sign


def _result(content: ComparisonCard) -> list[str]:
    lines = ["Grey is shared; colour begins where a text differs from ①. Open one to continue it."]
    notes = spaced(content.prompt)
    if recalled := sum(one.continuation.recalled for one in content.texts):
        notes.insert(0, _saved(recalled, len(content.texts)))
    if any(isinstance(one.continuation.news, Withheld) for one in content.texts):
        notes.insert(0, "What is withheld contains a word that this community has blocked.")
    return [*lines, " ".join(notes)] if notes else lines


def _saved(recalled: int, texts: int) -> str:
    """Say how many of the texts were requested before."""
    if recalled == texts:
        return "These texts are saved replies."
    are = "is a saved reply" if recalled == 1 else "are saved replies"
    return f"{recalled} of these {texts} texts {are}."


def _facts(content: ComparisonCard) -> str:
    settings = f"seed {content.seed} · up to {plural(content.max_tokens, 'token')} each"
    return f"{inert_head(content.model, _MODEL_BUDGET)} · {settings}"


def _opening(content: ComparisonCard) -> list[Row]:
    """Buttons that open the texts; what has no token is no run that could be opened."""
    buttons = [
        button(
            name_of(place, one),
            custom_id("compare", "open", one.continuation.run_id),
            disabled=not one.continuation.steps,
        )
        for place, one in placed(content)
    ]
    return [Row(*buttons[start : start + _IN_A_ROW]) for start in range(0, len(buttons), _IN_A_ROW)]


def _actions(content: ComparisonCard) -> list[Button]:
    written = [one.continuation.run_id for one in content.texts if one.continuation.steps]
    actions = [content.audience.button]
    if written:
        actions.insert(0, numbers_button("compare", written[0]))
    if written and len(content.texts) < len(METHODS):
        show_all = custom_id("compare", "all", written[0])
        actions.insert(0, button("Show all six", show_all, style=discord.ButtonStyle.primary))
    return actions
