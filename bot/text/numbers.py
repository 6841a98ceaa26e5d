"""Whole numbers as people type them. Pure."""

from __future__ import annotations

import unicodedata


def whole_number(text: str, *, highest: int) -> int | None:
    """The number that ``text`` is, in the digits of any script; None if it is none from 0 to ``highest``.

    It may have any number of digits and of zeros before them: ``int`` refuses more than 4,300.
    """
    typed = text.strip()
    if not typed.isdecimal():
        return None
    digits = "".join(str(unicodedata.decimal(sign)) for sign in typed).lstrip("0") or "0"
    if len(digits) > len(str(highest)) or int(digits) > highest:
        return None
    return int(digits)
