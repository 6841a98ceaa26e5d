"""What the signs in tokens' names stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from bot.text.escaping import NEWLINE_SIGN, SPACE_SIGN, TAB_SIGN, code


class Sign(Enum):
    """A kind of sign in a token's name, as ``visible`` writes it; its value is a pattern.

    A byte below hexadecimal 80 is a character of its own, here a control character.
    """

    SPACE = re.escape(SPACE_SIGN)
    NEWLINE = re.escape(NEWLINE_SIGN)
    TAB = re.escape(TAB_SIGN)
    CONTROL = r"\\x(?:[01][0-9A-F]|7F)"
    UNSEEN = r"⟨U\+[0-9A-F]{4,6}⟩"
    BYTE = r"\\x[89A-F][0-9A-F]"


_CONTROLS = {
    "\\x00": "a null character",
    "\\x08": "a backspace",
    "\\x0B": "a vertical tab",
    "\\x0C": "a form feed",
    "\\x0D": "a carriage return",
    "\\x1B": "an escape character",
    "\\x7F": "a delete character",
}
_MEANINGS = {
    Sign.SPACE: "a space",
    Sign.NEWLINE: "a line break",
    Sign.TAB: "a tab",
    Sign.CONTROL: "a control character",
    Sign.UNSEEN: "an invisible character",
    Sign.BYTE: "a byte",
}


def signs_in(names: Iterable[str]) -> dict[Sign, str]:
    """Return the kinds of signs in ``names``, each with the first example found."""
    text = "\n".join(names)
    found = ((sign, re.search(sign.value, text)) for sign in Sign)
    return {sign: match[0] for sign, match in found if match is not None}


def explained(names: Iterable[str]) -> str:
    """Explain the signs in ``names``: "␣ is a space, ⏎ a line break"; empty if there are none."""
    found = [_explained(sign, written) for sign, written in signs_in(names).items()]
    return ", ".join(
        f"{sign} {what}" if place else f"{sign} is {what}" for place, (sign, what) in enumerate(found)
    )


def _explained(sign: Sign, written: str) -> tuple[str, str]:
    match sign:
        case Sign.BYTE | Sign.CONTROL:
            return code(written), meaning(sign, written)
        case _:
            return written, meaning(sign, written)


def meaning(sign: Sign, written: str) -> str:
    """Say what a sign stands for; ``written`` is the sign itself."""
    return _CONTROLS.get(written, _MEANINGS[sign])
