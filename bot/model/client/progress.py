"""How far the model has loaded: in words, and as a bar in the operator's terminal."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import NoReturn, Self

from tqdm import tqdm

from bot.model.protocol import Loading

log = logging.getLogger(__name__)

GB = 1_000_000_000
MB = 1_000_000
_NO_AMOUNT = "{desc} …"  # how a stage looks that doesn't say how far it is


def loading_text(loading: Loading | None) -> str:
    """Say how far the model is: ``packing weights, 43 %`` or ``downloading, 1.2 of 3.2 GB``."""
    if loading is None:
        return "starting"
    done, total = loading.done, loading.total
    if loading.unit == "B":
        if not max(done, total):
            return loading.stage
        size, unit, digits = (GB, "GB", 1) if max(done, total) >= GB else (MB, "MB", 0)
        amounts = [f"{amount / size:.{digits}f}" for amount in (done, total) if amount or total]
        return f"{loading.stage}, {' of '.join(amounts)} {unit}"
    return f"{loading.stage}, {100 * min(done, total) // total} %" if total else loading.stage


class LoadingBar:
    """One progress bar per stage; where stderr is no terminal, one log line per stage.

    Close it once the model is ready; what loads after that opens it again.
    """

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
                self._bar = tqdm(
                    desc=loading.stage, unit=loading.unit, unit_scale=True, leave=False, bar_format=_NO_AMOUNT
                )
            else:
                log.info("model: %s", loading.stage)
        if self._bar is not None:
            if loading.done or loading.total:
                self._bar.bar_format = None  # tqdm's own, with a bar
            self._bar.update(loading.done - self._bar.n)
            if self._bar.total != loading.total:
                self._bar.total = loading.total
                self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = self._stage = None
