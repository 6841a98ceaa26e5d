"""The bot's requests to Discord, seen from below discord.py, which repeats some of them silently."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp

_CALLBACK = re.compile(r".*/interactions/(\d+)/[^/]+/callback")
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
NO_RESPONSE = "none"


class HttpTrace:
    """``responses`` counts Discord's by class of status (``2xx``), 429 separately, and ``none``.

    ``on_acknowledged`` is called with the id of each interaction whose first answer Discord has accepted,
    ``on_doubt`` where Discord failed and may have accepted it or not: discord.py sends that answer again.
    """

    def __init__(self, on_acknowledged: Callable[[int], None], on_doubt: Callable[[int], None]) -> None:
        self.responses: Counter[str] = Counter()
        self._on_acknowledged = on_acknowledged
        self._on_doubt = on_doubt

    def config(self) -> aiohttp.TraceConfig:
        """Return the trace for the session that sends all requests."""
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._on_request_end)
        trace.on_request_exception.append(self._on_request_exception)
        return trace

    async def _on_request_end(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        request: aiohttp.TraceRequestEndParams,
    ) -> None:
        status = request.response.status
        self.responses[str(status) if status == _TOO_MANY_REQUESTS else f"{status // 100}xx"] += 1
        callback = _CALLBACK.fullmatch(request.url.path)
        if callback and request.method == "POST":
            if request.response.ok:
                self._on_acknowledged(int(callback[1]))
            elif status >= _SERVER_ERROR:
                self._on_doubt(int(callback[1]))

    async def _on_request_exception(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        _request: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        self.responses[NO_RESPONSE] += 1
