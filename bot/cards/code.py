"""The card of *Code*: a program that prints the same text."""

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
    """``precision`` and ``fingerprint`` are those of the text's run.

    ``same_model`` says whether the program names the model that wrote the text.
    """

    program: str
    precision: Precision
    fingerprint: str
    same_model: bool


def code_card(content: CodeCard) -> ui.LayoutView:
    """Show the program if it is short enough, and always attach it as PROGRAM."""
    if len(content.program) <= _BUDGET:
        shown = fenced(content.program.rstrip(), "python")
    else:
        shown = "It's too long to show here; it's all in the file."
    return card(
        Text("**This program prints the same text**, without the bot."),
        Text(shown),
        ui.File[ui.LayoutView](f"attachment://{PROGRAM}"),
        Text("\n".join(map(small, _notes(content)))),
        colour=DONE_COLOUR,
    )


def _notes(content: CodeCard) -> list[str]:
    notes = [
        "It needs Python, torch and transformers, and downloads the model once, unless that is a folder.",
        _precision(content),
    ]
    if not content.same_model:
        notes.insert(
            0,
            "⚠️ Another model wrote this text, or part of it. The program names the one that is loaded "
            "now, so it may print something else.",
        )
    return notes


def _precision(content: CodeCard) -> str:
    wrote = f"The text was written in {content.precision} (fingerprint {content.fingerprint})"
    if content.precision == "float32":
        return (
            f"{wrote}. The program uses float32 too, but adds in a different order: its logits (the tokens' "
            "scores) differ by up to about 0.00001, so a token may come out differently only where two are "
            "that close."
        )
    return f"{wrote}; the program computes in float32, so a token may come out differently."
