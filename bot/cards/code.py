"""The card of *Code*: a program that says what the bot said."""

from __future__ import annotations

from dataclasses import dataclass

from discord import ui

from bot.cards.layout import DONE_COLOUR, Text, card, small
from bot.model.model_info import Precision
from bot.text.escaping import fenced

PROGRAM = "same_text.py"

_BUDGET = 2_600


@dataclass(frozen=True, slots=True)
class CodeCard:
    """``precision`` and ``fingerprint`` are those the text was written in;
    ``same_model`` says whether the program names the model that wrote it."""

    program: str
    precision: Precision
    fingerprint: str
    same_model: bool


def code_card(content: CodeCard) -> ui.LayoutView:
    """The program, if it is short enough, and always as the attachment PROGRAM."""
    if len(content.program) <= _BUDGET:
        shown = fenced(content.program.rstrip(), "python")
    else:
        shown = "It is too long to be shown here: it is in the file."
    return card(
        Text("**This program prints the same text**, with nothing of the bot in it."),
        Text(shown),
        ui.File[ui.LayoutView](f"attachment://{PROGRAM}"),
        Text("\n".join(map(small, _notes(content)))),
        colour=DONE_COLOUR,
    )


def _notes(content: CodeCard) -> list[str]:
    notes = [
        "It needs Python with torch and transformers, and downloads the model once, unless that is a folder.",
        _precision(content),
    ]
    if not content.same_model:
        notes.insert(
            0,
            "⚠️ Another model wrote this text, or a part of it, than the one that is loaded now, whose name "
            "the program has: it may print something else.",
        )
    return notes


def _precision(content: CodeCard) -> str:
    wrote = f"The text was written in {content.precision} (fingerprint {content.fingerprint})"
    if content.precision == "float32":
        return (
            f"{wrote}. So computes the program, but in another order: its logits (the scores of the tokens) "
            "differ by up to some 0.00001, and only where two tokens are that close another one may come out."
        )
    return f"{wrote} and the program computes in float32, so a token may come out differently."
