"""Numbers and quotations in the sentences of errors."""

from __future__ import annotations

import math

LONGEST_QUOTATION = 40
# Discord takes 4,000 characters, each of which may be escaped; one sentence needs far fewer.
LONGEST_SENTENCE = 500


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def quoted(given: str) -> str:
    """What somebody wrote, in quotation marks: clipped, on one line, with signs for what cannot be seen.

    Nothing that people or other programs wrote gets into a sentence but through here or ``clipped``.
    """
    head = given[:LONGEST_QUOTATION]
    while len(repr(head)) > LONGEST_QUOTATION + 2:  # a sign may take ten characters
        head = head[:-1]
    return repr(given if head == given else head[: LONGEST_QUOTATION - 1] + "…")


def clipped(given: str) -> str:
    """As ``quoted``, without the quotation marks."""
    return quoted(given)[1:-1]


def one_line(sentence: str) -> str:
    """``sentence`` as it can be shown anywhere: clipped, without line breaks and control characters."""
    seen = "".join(sign if sign.isprintable() else " " for sign in sentence[: 2 * LONGEST_SENTENCE])
    line = " ".join(seen.split())
    return line if len(line) <= LONGEST_SENTENCE else line[: LONGEST_SENTENCE - 1] + "…"


def seconds(seconds: float) -> str:
    if seconds < 90:
        return count(max(1, round(seconds)), "second")
    return count(round(seconds / 60), "minute")


def at_most(waiting: float) -> str:
    """Rounded up, for whoever is told to come back then must not come too early."""
    return seconds(math.ceil(waiting) if waiting < 89 else 60 * math.ceil(waiting / 60))
