"""The bot on a fake Discord, with every logger forced to DEBUG and a command that crashes.

python -m tests.promises.secrets_verbose_bot

With UNGUARDED set, discord.py and the database log everything at DEBUG, which shows that
the search finds canaries.
"""

from __future__ import annotations

import logging
import os
import sys

from bot.__main__ import main
from bot.text.tokenization import Encodings
from tests.fakes.discord.addresses import GATEWAY, REST, Addresses, leading_to

UNGUARDED = "VERBOSE_UNGUARDED"
CRASH = "crash"

_counts = Encodings.counts


def _crashing(encodings: Encodings, text: str, encoding: str) -> dict[str, int]:
    """Stands in for a method that /tokens calls; raises an error that quotes a text with CRASH in it."""
    if CRASH in text:
        raise ValueError(f"cannot count the tokens of {text!r}")
    return _counts(encodings, text, encoding)


if __name__ == "__main__":
    logging.Logger.getEffectiveLevel = lambda _logger: logging.DEBUG  # type: ignore[method-assign, assignment]
    if os.environ.get(UNGUARDED):
        logging.disable = lambda *_: None
    Encodings.counts = _crashing  # type: ignore[method-assign, assignment]
    with leading_to(Addresses(os.environ[REST], os.environ[GATEWAY])):
        sys.exit(main(sys.argv[1:]))
