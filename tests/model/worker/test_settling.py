"""After a quick start, the weights get memory of their own, if there is any."""

from __future__ import annotations

import queue
import threading
from typing import Any, cast

import pytest
import torch

from bot.model.gpt2.transformer import GPT2
from bot.model.worker.__main__ import Inbox, Settled, Started, _settle


def refused() -> GPT2:
    torch.empty(2**50)
    raise AssertionError


def mapped() -> GPT2:
    raise OSError(12, "Cannot allocate memory")


def settle(settled: Any) -> Inbox:
    """What arrives, once a thread of its own has tried."""
    nothing = cast("Any", None)
    started = Started(nothing, nothing, nothing, nothing, lambda: None, settled)
    inbox: Inbox = queue.SimpleQueue()
    thread = threading.Thread(target=_settle, args=(started, inbox))
    thread.start()
    thread.join()
    return inbox


def test_the_model_arrives_in_its_new_place(gpt2: GPT2) -> None:
    assert settle(lambda: gpt2).get_nowait() == Settled(gpt2)


@pytest.mark.parametrize("settled", [refused, mapped])
def test_without_memory_the_weights_stay_in_their_file(
    settled: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert settle(settled).empty()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The weights stay in the pages of their file (")
