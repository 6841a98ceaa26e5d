"""Whether the model is loading, ready or unusable, and how soon a broken worker is replaced."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.errors import GenerationFailed, InvalidSetting, ModelUnusable, ServiceAway, ShuttingDown
from bot.model.model_info import ModelInfo
from bot.model.protocol import Loading

logger = logging.getLogger(__name__)

#: Why a request ends, or will never begin.
Failure = GenerationFailed | ModelUnusable | ServiceAway | ShuttingDown | InvalidSetting

# A worker serves again within its loading time and five seconds.
LONGEST_PAUSE = 4.0
MOST_FAILED_STARTS = 3
_DOUBLINGS = 10  # more would only overflow: any pause has reached the longest by then


class Readiness:
    """What is known of the model. ``on_loading`` is called with every progress report."""

    def __init__(self, on_loading: Callable[[Loading], None] | None) -> None:
        # Set when the model is first ready; kept while a worker is replaced.
        self.info: ModelInfo | None = None
        # The latest progress while a worker loads.
        self.loading: Loading | None = None
        self._on_loading = on_loading
        # Why there will be no further worker; every caller gets an error of its own.
        self._failure: Callable[[], Failure] | None = None
        self._decided = asyncio.Event()  # ready once, or never

    @property
    def failed(self) -> bool:
        return self._failure is not None

    def check(self) -> None:
        """Raise the failure if there will be no further worker."""
        if self._failure is not None:
            raise self._failure()

    async def wait(self) -> ModelInfo:
        """Return the model once it is known; raise the failure if it was never ready."""
        await self._decided.wait()
        if self.info is None:
            self.check()
            raise ShuttingDown
        return self.info

    def show(self, loading: Loading) -> None:
        self.loading = loading
        if self._on_loading is not None:
            try:
                self._on_loading(loading)
            except Exception:  # a closed terminal is no reason to end the model
                logger.exception("the loading progress could not be shown")

    def ready(self, info: ModelInfo) -> None:
        self.info, self.loading = info, None
        self._decided.set()

    def fail(self, failure: Callable[[], Failure]) -> bool:
        """Record that there will be no further worker; False if that was already known."""
        if self._failure is not None:
            return False
        self._failure = failure
        self._decided.set()
        return True


@dataclass(slots=True)
class Restarts:
    """How often a worker was replaced, and how soon the next one may start.

    ``first_pause`` is in seconds and doubles with each consecutive failed start. A start
    has failed until its worker is ready. A worker that dies after that is replaced soon:
    loading a model takes so long that restarts cannot pile up.
    """

    first_pause: float
    total: int = 0
    failed_starts: int = 0  # consecutive; the current start counts until its worker is ready

    @property
    def hopeless(self) -> bool:
        """Whether a model that was never ready should be given up."""
        return self.failed_starts >= MOST_FAILED_STARTS

    def start(self) -> None:
        self.failed_starts += 1

    def ready(self) -> None:
        self.failed_starts = 0

    def again(self) -> float:
        """Count a restart; return the seconds to wait before it."""
        self.total += 1
        return min(LONGEST_PAUSE, self.first_pause * 2.0 ** min(self.failed_starts, _DOUBLINGS))
