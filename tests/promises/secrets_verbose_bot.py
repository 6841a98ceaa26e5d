"""The bot on a fake Discord with every logger at DEBUG, whatever it sets itself, and a command that crashes.

python -m tests.promises.secrets_verbose_bot

With UNGUARDED set, nothing keeps discord.py and the database from telling all at DEBUG:
what is then written shows that the search finds what there is to be found.
"""

from __future__ import annotations

import logging
import os
import sys

from bot.__main__ import main
from bot.text.tokenization import Encodings
from tests.fakes.discord.addresses import GATEWAY, REST, Addresses, leading_to

UNGUARDED = "LOUD_UNGUARDED"
CRASH = "crash"

_counts = Encodings.counts


def _crashing(encodings: Encodings, text: str, encoding: str) -> dict[str, int]:
    """In place of what /tokens calls: an error that quotes what somebody wrote, where it says so."""
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
