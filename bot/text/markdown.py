"""Discord's formatting → plain text. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

# One pass from left to right, so that what an escape or a code block protects is
# never read again. The first group that matched says what was found.
_MARKUP = re.compile(
    r"""
      ```(?:\w*\n)?(?P<block>.*?)\n?```    # a code block, without its language
    | `(?P<code>[^`\n]+)`
    | \\(?P<escaped>[!-/:-@\[-`{-~])
    | <@!?(?P<mention>[0-9]{1,20})>
    | ^(?:-\#|\#{1,3}|>{1,3})[ ]           # small print, heading, quote
    | \*\*|~~|\|\||__                      # bold, struck out, spoiler, underlined
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


def unformatted(text: str, names: Mapping[int, str] | None = None) -> str:
    """Discord's formatting undone: marks gone, escaped signs and code as they read.

    A mention of a person in ``names``, by id, becomes ``@`` and the name.
    """
    text = text.replace("\N{NO-BREAK SPACE}", " ")  # which is for the lines of a card
    known = names or {}

    def plain(found: re.Match[str]) -> str:
        if found.lastgroup == "mention":
            name = known.get(int(found["mention"]))
            return found[0] if name is None else f"@{name}"
        return found[found.lastgroup] if found.lastgroup else ""

    return _MARKUP.sub(plain, text)
