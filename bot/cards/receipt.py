"""The card of *Receipt*: a file by which any machine can check a text."""

from __future__ import annotations

from discord import ui

from bot.cards.layout import PRIVATE_COLOUR, arranged
from bot.features.receipt import Receipt
from bot.text.escaping import code

FILE = "receipt.json"

_SHOWN = 16  # digits of the number


def receipt_card(receipt: Receipt) -> ui.LayoutView:
    """Say what the attached FILE is good for."""
    count, made = len(receipt.written), receipt.fingerprint
    tokens = "this token" if count == 1 else f"these {count:,} tokens"
    if receipt.given:
        tokens += f", from token {receipt.given + 1:,} on"
    return arranged(
        f"**Receipt {code(receipt.receipt[:_SHOWN])}**",
        result=[
            f"With this file, anyone who has the model can check that it wrote {tokens}.",
            f"{code(f'python -m bot verify {FILE}')} writes them again, on any computer, and compares.",
        ],
        attached=FILE,
        facts=f"{made.precision} · engine {made.engine} · the file has the text as token ids",
        colour=PRIVATE_COLOUR,
    )
