"""Whole numbers and token ids as people type and paste them. Pure."""

from __future__ import annotations

import unicodedata

import regex

# The output of a transformers tokenizer has other lists in it, such as the attention mask.
_INPUT_IDS = regex.compile(r"""input_ids["']?\s*[:=](?P<ids>.*?)(?:["']\w+["']\s*:|$)""", regex.DOTALL)
_ARGUMENT = regex.compile(
    r"""\b(?:device|dtype|shape|requires_grad)\s*=\s*(?:'[^']*'|"[^"]*"|\([^()]*\)|[\w.]+)"""
)
_WRAPPER = regex.compile(
    r"""\b(?:(?:torch|np|numpy|jnp|tf)\.)?
        (?:numpy\s*=\s*)?
        (?:(?:[tT]ensor|LongTensor|IntTensor|[aA]rray|list|tuple|set)(?=\s*\()|Tensor:|BatchEncoding:|(?:\w+_)?(?:ids|tokens)["']?\s*[:=])""",
    regex.VERBOSE,
)
_BRACKETS = {")": "(", "]": "[", "}": "{", ">": "<"}
_WORD = regex.compile(r"[^\s,;]+")
# Pages and programs put invisible marks between numbers.
_SEPARATORS = regex.compile(r"""(?:[\s\p{Cf},;|/\[\](){}<>"'`#→、،，；]|\\n)+""")


def whole_number(text: str, *, highest: int) -> int | None:
    """The number from 0 to ``highest`` that ``text`` spells, in the digits of any script, or None.

    Any number of leading zeros and digits is accepted; ``int`` refuses more than 4,300.
    """
    typed = text.strip()
    if not typed.isdecimal():
        return None
    digits = "".join(str(unicodedata.decimal(sign)) for sign in typed).lstrip("0") or "0"
    if len(digits) > len(str(highest)) or int(digits) > highest:
        return None
    return int(digits)


def pasted_ids(text: str) -> list[str]:
    """The words of ``text`` that should each be an id, in order.

    Brackets around ids come in pairs; a word with half of one, such as "<3", is no id and the only word.
    """
    if (place := _unpaired(text)) is not None:
        return [next(word[0] for word in _WORD.finditer(text) if place < word.end())]
    if (found := _INPUT_IDS.search(text)) is not None:
        text = found["ids"]
    bare = _WRAPPER.sub(" ", _ARGUMENT.sub(" ", text))
    return [word for word in _SEPARATORS.split(bare) if word]


def _unpaired(text: str) -> int | None:
    """The place of a bracket that is opened and not closed, or closed and not opened; None if all pair."""
    opened: list[int] = []
    for place, sign in enumerate(text):
        if sign in _BRACKETS.values():
            opened.append(place)
        elif sign in _BRACKETS:
            if not opened or text[opened[-1]] != _BRACKETS[sign]:
                return place
            opened.pop()
    return opened[0] if opened else None
