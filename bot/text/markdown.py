"""Discord's formatting → plain text. Pure."""

from __future__ import annotations

import re

# One pass from left to right, so that what an escape or a code block protects is
# never read again. The first group that matched says what was found.
_MARKUP = re.compile(
    r"""
      ```(?:\w*\n)?(?P<block>.*?)\n?```    # a code block, without its language
    | `(?P<code>[^`\n]+)`
    | \\(?P<escaped>[!-/:-@\[-`{-~])
    | ^(?:-\#|\#{1,3}|>{1,3})[ ]           # small print, heading, quote
    | \*\*|~~|\|\||__                      # bold, struck out, spoiler, underlined
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


def unformatted(text: str) -> str:
    """Discord's formatting undone: marks gone, escaped signs and code as they read."""
    text = text.replace("\N{NO-BREAK SPACE}", " ")  # which is for the lines of a card
    return _MARKUP.sub(lambda found: found[found.lastgroup] if found.lastgroup else "", text)
