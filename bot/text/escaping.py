"""Text that people or the model wrote, made safe to show in Discord.

Everything here is pure. There are two forms: *inert*, for reading (the text as it is,
with every mark that Discord or a terminal would act on disarmed), and *visible*, for
looking at tokens (white space and control characters drawn as signs).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

SPACE_SIGN = "␣"
NEWLINE_SIGN = "⏎"
TAB_SIGN = "⇥"

# To Discord, a backslash before ASCII punctuation means "this sign is plain text". Escaped
# anywhere: emphasis, code, spoilers, mentions, the starts of links. A colon only where it can
# begin an emoji or follow a link's scheme; the rest only at the start of a line, where they
# make lists, headings and quotes.
_ACTIVE = re.compile(r"[\\*_~`|<\[@]|:(?=\S)")
_LINE_START = re.compile(r"(?m)^([^\S\n]*)([-+#>]|\d+(?=\.))")
_SOFT = "\n\t"
_WITHOUT_SOFT = str.maketrans("", "", _SOFT)
# How a hidden character or a byte is spelled out, and how long that is at most.
_SPELLED = re.compile(r"\\x[0-9A-F]{2}|⟨U\+[0-9A-F]{4,6}⟩")
_LONGEST_SPELLED = 10

# Unicode's bidirectional classes of Hebrew, of Arabic and of Arabic's numbers.
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATE, _POP = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def inert(text: str) -> str:
    """``text`` as Discord shows it literally: no ping, no formatting, no link.

    Control characters and those that reorder or hide text become visible signs.
    """
    shown = text if _is_plain(text) else "".join(map(_harmless, text))
    return _LINE_START.sub(_escaped_start, _ACTIVE.sub(r"\\\g<0>", shown))


def visible(text: str) -> str:
    """``text`` with white space, control and unseen characters drawn as signs.

    Bytes that ``surrogateescape`` kept undecoded are shown as ``\\xE2``.
    """
    return "".join(_sign(character) for character in text)


def fenced(text: str, language: str = "") -> str:
    """``text`` in a code block that it cannot break out of, coloured as ``language`` if given."""
    return f"```{language}\n" + text.replace("`", "ˋ") + "\n```"


def code(text: str) -> str:
    """``text`` in an inline code span that it cannot break out of."""
    return "`" + isolated(text.replace("`", "ˋ")) + "`"


def isolated(text: str) -> str:
    """``text`` as part of a line, so that right-to-left text does not reorder its surroundings.

    Such a text gains two invisible characters; any other is returned unchanged.
    """
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return _ISOLATE + text + _POP
    return text


def column(text: str, width: int) -> str:
    """``text`` left-aligned in a column ``width`` visible characters wide."""
    shown = clip_end(text, width)
    return isolated(shown) + " " * (width - len(shown))


def without_isolates(shown: str) -> str:
    """A card's text without the characters that :func:`isolated` added."""
    return shown.replace(_ISOLATE, "").replace(_POP, "")


def clip_end(text: str, limit: int) -> str:
    """``text``, cut to at most ``limit`` characters, the last of them "…"."""
    return text if len(text) <= limit else clipped(text, max(0, limit - 1))


def clipped(text: str, end: int) -> str:
    """The first ``end`` characters of ``text`` with "…", or less, so that no spelled-out one is cut."""
    return text[: _whole_end(text, end)] + "…"


def clip_start(text: str, limit: int) -> str:
    """The end of ``text``, at most ``limit`` characters with "…", the first of them."""
    return text if len(text) <= limit else "…" + text[_whole_start(text, len(text) - max(0, limit - 1)) :]


def bold(shown: str) -> str:
    """Inert text in bold, except the white space at its ends, which would break the bold."""
    core = shown.strip()
    if not core:
        return shown
    start = shown.index(core)
    return f"{shown[:start]}**{core}**{shown[start + len(core) :]}"


def inert_head(text: str, limit: int) -> str:
    """The beginning of ``text``, inert, in at most ``limit`` characters of markup."""
    shown = inert(text)
    if len(shown) <= limit:
        return shown
    head = text[:limit]
    shown = inert(head)
    while len(shown) > limit - 1:
        head = head[: -_surplus(head, shown, limit)]
        shown = inert(head)
    return shown + "…"


def inert_tail(text: str, limit: int) -> str:
    """The end of ``text``, inert, in at most ``limit`` characters of markup.

    Clipping comes before escaping, so that no escape is ever cut in two.
    """
    shown = inert(text)
    if len(shown) <= limit:
        return shown
    tail = text[-limit:]
    shown = inert(tail)
    while len(shown) > limit - 1:
        tail = tail[_surplus(tail, shown, limit) :]
        shown = inert(tail)
    return "…" + shown


def _whole_end(text: str, end: int) -> int:
    """The last place up to ``end`` that is not inside ``\\xE2`` or ``⟨U+200B⟩``."""
    return next((start for start, stop in _spelled_at(text, end) if start < end < stop), end)


def _whole_start(text: str, start: int) -> int:
    """The first place from ``start`` on that is not inside ``\\xE2`` or ``⟨U+200B⟩``."""
    return next((stop for first, stop in _spelled_at(text, start) if first < start < stop), start)


def _spelled_at(text: str, place: int) -> Iterator[tuple[int, int]]:
    """Where characters are spelled out around ``place``."""
    around = max(0, place - _LONGEST_SPELLED)
    return (match.span() for match in _SPELLED.finditer(text, around, place + _LONGEST_SPELLED))


def _surplus(part: str, shown: str, limit: int) -> int:
    """About how many characters to drop from ``part``, by the average length of its markup."""
    return max(1, len(part) * (len(shown) - (limit - 1)) // len(shown))


def _escaped_start(match: re.Match[str]) -> str:
    indent, sign = match.groups()
    return f"{indent}{sign}\\" if sign.isdigit() else f"{indent}\\{sign}"


def _is_plain(text: str) -> bool:
    """Whether nothing in ``text`` is hidden: quick, and true of most texts."""
    return text.translate(_WITHOUT_SOFT).isprintable()


def _harmless(character: str) -> str:
    return (
        character
        if character in _SOFT or not _is_hidden(character) or _is_joining(character)
        else _escape(character)
    )


def _sign(character: str) -> str:
    signs = {" ": SPACE_SIGN, "\n": NEWLINE_SIGN, "\t": TAB_SIGN}
    if character in signs:
        return signs[character]
    return _escape(character) if _is_hidden(character) or character.isspace() else character


def _is_joining(character: str) -> bool:
    """Part of ordinary writing: the non-joiner of Persian, the tags in emoji flags."""
    return character == "\u200c" or "\U000e0020" <= character <= "\U000e007f"


def _is_hidden(character: str) -> bool:
    """Whether it is a control, format (zero-width, bidirectional), surrogate or separator character."""
    if character == "\u200d" or "\ufe00" <= character <= "\ufe0f":
        return False  # joiners and variation selectors are part of ordinary emoji
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _escape(character: str) -> str:
    point = ord(character)
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02X}"
    if point < 0x20 or point == 0x7F:
        return f"\\x{point:02X}"
    return f"⟨U+{point:04X}⟩"
