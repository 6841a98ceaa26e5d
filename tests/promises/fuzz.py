"""Texts full of markup and odd characters, as people may type and a model may write them.

The same ``Random`` gives the same texts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from random import Random

LONGEST = 6_000  # what Discord takes as an option
_TOKENS = 50_257
_ID = "123456789012345678"

WORDS = ("a", "word", "London was", "x1", "İ", "ß", "שלום", "سلام", "مرحبا 123", "文字", "ไทย", "हिन्दी", "🙂")
SPACES = (
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "\u00a0",
    "\u3000",
    "\r\n",
    "\r",
    "\v",
    "\f",
    "\x85",
    "\u2028",
    "\u2029",
)
BIDI = (
    "\u202a",
    "\u202b",
    "\u202c",
    "\u202d",
    "\u202e",
    "\u2066",
    "\u2067",
    "\u2068",
    "\u2069",
    "\u200e",
    "\u200f",
)
UNSEEN = (
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u180e",
    "\ufe0f",
    "\u3164",
    "\U000e0041",
)
CONTROLS = ("\x00", "\x07", "\x08", "\x1b", "\x7f", "\x9b", "\ufffe", "\uffff")
ANSI = ("\x1b[31m", "\x1b[0m", "\x1b[2J", "\x1b]0;title\x07", "\x1b]8;;https://example.org\x1b\\", "\x9b1m")
SURROGATES = ("\ud800", "\udbff", "\udc00", "\udc80", "\udcff", "\udfff", "\udc80\ud800")
FENCES = ("`", "``", "```", "````", "```ansi\n", "```py\n", "\n```\n", "`` ` ``", "ˋˋˋ")
MENTIONS = (
    "@everyone",
    "@here",
    f"<@{_ID}>",
    f"<@!{_ID}>",
    f"<@&{_ID}>",
    f"<#{_ID}>",
    "<id:customize>",
    "<id:guide>",
    "@\u200beveryone",
)
RICH = (
    f"<:name:{_ID}>",
    f"<a:name:{_ID}>",
    ":smile:",
    ":skin-tone-2:",
    "<t:1618953630>",
    "<t:0:R>",
    f"</complete:{_ID}>",
    f"</a b c:{_ID}>",
)
LINKS = (
    "https://example.org/?a=b_c*d",
    "http://a",
    "<https://example.org>",
    "[text](https://example.org)",
    '[a](<https://example.org> "title")',
    "[https://good.example](https://bad.example)",
    "steam://run/1",
    "discord://-/channels/@me",
    "www.example.org",
    "discord.gg/abc",
    "<mailto:a@example.org>",
    "<a@example.org>",
    "<tel:+123456>",
    "<+123456>",
)
MARKS = (
    "*",
    "**",
    "***",
    "_",
    "__",
    "~~",
    "|",
    "||",
    "\\",
    "\\\\",
    "<",
    ">",
    "[",
    "]",
    "(",
    ")",
    "@",
    "#",
    ":",
    "-",
)
LINES = (
    "# ",
    "## ",
    "### ",
    "-# ",
    "> ",
    ">>> ",
    "- ",
    "* ",
    "+ ",
    "1. ",
    "12. ",
    "  - ",
    "\u00a0# ",
    "|a|b|",
    "---",
)
COMBINING = ("\u0301", "\u0336", "\u20dd", "\u0e49", "\u0489", "\u1ab0", "\u0345")

_KINDS: tuple[Sequence[str], ...] = (
    WORDS,
    WORDS,
    SPACES,
    BIDI,
    UNSEEN,
    CONTROLS,
    ANSI,
    SURROGATES,
    FENCES,
    MENTIONS,
    RICH,
    LINKS,
    MARKS,
    MARKS,
    LINES,
    COMBINING,
)


def text(random: Random) -> str:
    """One to LONGEST characters: usually short, now and then as long as possible."""
    shape = random.choices((_pieces, _lines, _wrapped, _stacked, _repeated, _anything), (8, 4, 3, 1, 1, 1))[0]
    return shape(random)[:LONGEST] or random.choice(WORDS)


def typed(random: Random) -> str:
    """Like :func:`text`, but something Discord can send: no surrogates, and not only white space."""
    found = text(random).encode("utf-8", errors="ignore").decode()
    return found if found.strip() else f"{found}a"


def token_ids(random: Random, encode: Callable[[str], Sequence[int]], most: int) -> tuple[int, ...]:
    """One to ``most`` ids of GPT-2: random ones, or those of a text with some left out."""
    if random.random() < 0.4:
        return tuple(random.randrange(_TOKENS) for _ in range(random.randint(1, most)))
    ids = list(encode(text(random)[: 4 * most]))
    start = random.randrange(len(ids))
    kept = [id_ for id_ in ids[start : start + most] if random.random() < 0.9]
    return tuple(kept or ids[:1])


def _pieces(random: Random) -> str:
    return "".join(_piece(random) for _ in range(random.randint(1, 25)))


def _lines(random: Random) -> str:
    count = random.randint(1, 8)
    return "\n".join(random.choice(LINES) + _piece(random) + _piece(random) for _ in range(count))


def _wrapped(random: Random) -> str:
    """A text between two marks, as in formatting."""
    mark = random.choice((*MARKS, *FENCES, *LINES, *LINKS))
    return f"{_piece(random)}{mark}{_pieces(random)}{mark}{_piece(random)}"


def _stacked(random: Random) -> str:
    marks = "".join(random.choice(COMBINING) for _ in range(random.randint(1, 400)))
    return random.choice(WORDS) + marks + _piece(random)


def _repeated(random: Random) -> str:
    """As long as an option may be."""
    piece = _pieces(random)
    return piece * (LONGEST // len(piece) + 1)


def _anything(random: Random) -> str:
    return "".join(chr(random.randrange(sys.maxunicode + 1)) for _ in range(random.randint(1, 60)))


def _piece(random: Random) -> str:
    return random.choice(random.choice(_KINDS))
