"""Amounts and other people's words, as one short sentence can hold them. Pure."""

from __future__ import annotations

LONGEST_QUOTATION = 40
# No sentence needs more of a text, and flattening it takes time.
_LONGEST_READ = 10_000


def quoted(given: str) -> str:
    """What somebody wrote, in quotation marks: clipped, on one line, with escapes for what can't be seen.

    Words of people and of other programs enter a sentence only through this or :func:`clipped`.
    """
    if len(given) <= LONGEST_QUOTATION and len(repr(given)) <= LONGEST_QUOTATION + 2:
        return repr(given)
    head = given[: LONGEST_QUOTATION - 1]
    while len(repr(head)) > LONGEST_QUOTATION + 1:  # one escape may take ten characters
        head = head[:-1]
    return repr(head + "…")


def clipped(given: str) -> str:
    """As :func:`quoted`, without the quotation marks."""
    return quoted(given)[1:-1]


def one_line(text: str, limit: int) -> str:
    """``text`` without line breaks and control characters, in at most ``limit`` characters."""
    flat = " ".join(text[:_LONGEST_READ].split())
    safe = "".join(character if character.isprintable() else "�" for character in flat)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def plural(number: int, noun: str) -> str:
    """``1 token`` or ``1,024 tokens``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def ordinal(number: int) -> str:
    """``1st``, ``22nd``, ``1,013th``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def duration(seconds: float) -> str:
    """Whole seconds, or minutes from 90 seconds on; ``1 second`` at least."""
    if seconds < 90:
        return plural(max(1, round(seconds)), "second")
    return plural(round(seconds / 60), "minute")
