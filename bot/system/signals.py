"""SIGTERM and Ctrl-C: the first one ends the bot properly, the second one at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

ENDING = (signal.SIGTERM, signal.SIGINT)


def raise_on_interrupt() -> None:
    """From now on, let Ctrl-C raise KeyboardInterrupt, unless the process was started to ignore it."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def end_by_signal(end: Callable[[], object]) -> None:
    """From now on, let the first signal call ``end`` in the running event loop.

    A second one exits at once with status 128 + its number, like any process that a signal kills. On
    Windows, event loops take no signals, and Ctrl-C does what :func:`asyncio.run` makes of it.
    """
    with suppress(NotImplementedError):
        _Ending(end).listen()


class _Ending:
    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end
        self._begun = False

    def listen(self) -> None:
        for number in ENDING:
            asyncio.get_running_loop().add_signal_handler(number, partial(self._received, number))

    def _received(self, number: signal.Signals) -> None:
        if self._begun:  # both came while the event loop was busy
            _exit(number, None)
        self._begun = True
        for one in ENDING:
            # The event loop may be what hangs: the next signal must not go through it.
            asyncio.get_running_loop().remove_signal_handler(one)
            signal.signal(one, _exit)
        self._end()


def _exit(number: int, _frame: FrameType | None) -> None:
    # Without closing anything: the model worker ends by itself when its stdin does.
    os._exit(128 + number)
