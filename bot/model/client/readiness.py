"""Whether the model loads, was ready once, or never will be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bot.errors import ShuttingDown
from bot.model.client.roster import Failure
from bot.model.protocol import Loading, ModelInfo

logger = logging.getLogger(__name__)


class Readiness:
    """What is known of the model. ``on_loading`` is called with every progress of loading."""

    def __init__(self, on_loading: Callable[[Loading], None] | None) -> None:
        # Once it was ready; kept while a worker is replaced.
        self.info: ModelInfo | None = None
        # The newest progress while a worker loads.
        self.loading: Loading | None = None
        self._on_loading = on_loading
        # Why there will be no worker any more; each waiter raises one of its own.
        self._failure: Callable[[], Failure] | None = None
        self._decided = asyncio.Event()  # ready once, or never

    @property
    def failed(self) -> bool:
        return self._failure is not None

    def check(self) -> None:
        """Raise the failure, if there will be no worker any more."""
        if self._failure is not None:
            raise self._failure()

    async def wait(self) -> ModelInfo:
        """The model, once it is known; raises the failure if it was never ready."""
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
            except Exception:  # a terminal that went away is no reason to end the model
                logger.exception("the progress of loading could not be shown")

    def ready(self, info: ModelInfo) -> None:
        self.info, self.loading = info, None
        self._decided.set()

    def fail(self, failure: Callable[[], Failure]) -> bool:
        """There will be no worker any more; False if that was known."""
        if self._failure is not None:
            return False
        self._failure = failure
        self._decided.set()
        return True
