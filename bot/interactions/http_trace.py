"""What the bot's requests to Discord meet with, seen from below discord.py."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp

_CALLBACK = re.compile(r".*/interactions/(\d+)/[^/]+/callback")
_SLOW_DOWN = 429
_FAILED = 500
NO_ANSWER = "none"


class Traffic:
    """``answers`` counts Discord's, by class of status; 429 by itself, and what got none.

    ``on_acknowledged`` is called with the id of each interaction whose first answer
    Discord has accepted, ``on_doubt`` if it failed while it did so or did not: discord.py
    sends the answer again then, and does not tell.
    """

    def __init__(self, on_acknowledged: Callable[[int], None], on_doubt: Callable[[int], None]) -> None:
        self.answers: Counter[str] = Counter()
        self._on_acknowledged = on_acknowledged
        self._on_doubt = on_doubt

    def trace(self) -> aiohttp.TraceConfig:
        """For the session that all requests go through."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._answered)
        trace.on_request_exception.append(self._failed)
        return trace

    async def _answered(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        answer: aiohttp.TraceRequestEndParams,
    ) -> None:
        status = answer.response.status
        self.answers[str(status) if status == _SLOW_DOWN else f"{status // 100}xx"] += 1
        callback = _CALLBACK.fullmatch(answer.url.path)
        if callback and answer.method == "POST":
            if answer.response.ok:
                self._on_acknowledged(int(callback[1]))
            elif status >= _FAILED:
                self._on_doubt(int(callback[1]))

    async def _failed(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        _error: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        self.answers[NO_ANSWER] += 1
