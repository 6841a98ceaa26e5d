"""How far the model is, in the operator's terminal."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import NoReturn, Self

from tqdm import tqdm

from bot.model.protocol import Loading

log = logging.getLogger(__name__)


class LoadingBar:
    """A progress bar a stage; where stderr is no terminal, a log line a stage."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._stage: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def show(self, loading: Loading) -> None:
        if loading.stage != self._stage:
            self.close()
            self._stage = loading.stage
            if sys.stderr.isatty():
                self._bar = tqdm(desc=loading.stage, unit=loading.unit, unit_scale=True, leave=False)
            else:
                log.info("model: %s", loading.stage)
        if self._bar is not None:
            self._bar.update(loading.done - self._bar.n)
            if self._bar.total != loading.total:
                self._bar.total = loading.total
                self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
