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


def end_by_signal(end: Callable[[signal.Signals], object]) -> None:
    """From now on, let the first signal call ``end`` with its number in the running event loop.

    A second one exits at once with the status :func:`killed_by` it, like any process that a signal kills. On
    Windows, event loops take no signals, and Ctrl-C does what :func:`asyncio.run` makes of it.
    """
    with suppress(NotImplementedError):
        _Ending(end).listen()


def killed_by(number: int) -> int:
    """The exit status of a process that a signal has kept from finishing, as a shell reports it."""
    return 128 + number


class _Ending:
    def __init__(self, end: Callable[[signal.Signals], object]) -> None:
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
        self._end(number)


def _exit(number: int, _frame: FrameType | None) -> None:
    # Without closing anything: the model worker ends by itself when its stdin does.
    os._exit(killed_by(number))
