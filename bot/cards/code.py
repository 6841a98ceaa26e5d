"""The card of *Code*: a program that prints the same text."""

from __future__ import annotations

from dataclasses import dataclass

from discord import ui

from bot.cards.layout import PRIVATE_COLOUR, arranged
from bot.features.code import Home
from bot.model.model_info import Precision
from bot.text.escaping import fenced
from bot.text.wrapping import row_count

PROGRAM = "same_text.py"

_BUDGET = 2_600  # characters
_ROWS = 54
_WHERE: dict[Home, str] = {
    "hub": "It downloads the model once.",
    "project": "Run it in the project's folder.",
    "folder": "Run it next to the model's folder.",
}


@dataclass(frozen=True, slots=True)
class CodeCard:
    """``precision`` and ``fingerprint`` are those of the text's run; ``home`` is where the model is found.

    ``same_model`` says whether the program names the model that wrote the text.
    """

    program: str
    precision: Precision
    fingerprint: str
    same_model: bool
    home: Home


def code_card(content: CodeCard) -> ui.LayoutView:
    """Show the program if it is short enough, and always attach it as PROGRAM."""
    is_short = len(content.program) <= _BUDGET and row_count(content.program) <= _ROWS
    shown = fenced(content.program.rstrip(), "python") if is_short else "It's too long to show here."
    return arranged(
        f"**Prints this text with transformers.** {_WHERE[content.home]}",
        result=[shown, *_notes(content)],
        attached=PROGRAM,
        facts=f"{content.precision} · fingerprint {content.fingerprint}",
        colour=PRIVATE_COLOUR,
    )


def _notes(content: CodeCard) -> list[str]:
    notes = [] if content.same_model else ["⚠️ Another model wrote this text, or part of it: it may differ."]
    near = (
        "Where two logits are within 0.00001, a token may differ."
        if content.precision == "float32"
        else f"The text was written in {content.precision}; the program uses float32, so tokens may differ."
    )
    return [*notes, near]
