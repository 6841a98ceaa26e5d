"""The real model worker, whose engine misbehaves on cue.

    python -m tests.fakes.faulty_worker FOLDER --model M …

A request whose prompt begins with one of ``CUES`` triggers its fault after ``AFTER``
steps. Most faults happen only once, so that the next worker runs undisturbed: a file in
FOLDER records that they have. ``raise`` fails every pass with the request, and
``poison`` kills every worker.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from torch import Tensor

from bot.model.gpt2.transformer import GPT2, Chunk
from bot.model.worker import __main__
from bot.model.worker.engine import Engine, Event
from bot.model.worker.pipe import Pipe

CUES = {"garbage": 11, "unfinished": 12, "flood": 13, "hang": 14, "poison": 15, "raise": 16}
AFTER = 5  # steps
FLOOD = 16 * 2**20  # bytes


class Faults:
    """Commits faults. ``out`` is the pipe to the parent."""

    def __init__(self, folder: Path, out: int) -> None:
        self._folder, self._out = folder, out

    def commit(self, cue: str) -> None:
        if cue == "poison":
            os.kill(os.getpid(), signal.SIGKILL)
        done = self._folder / cue
        if not done.exists():
            done.touch()
            self._by_cue(cue)()

    def _by_cue(self, cue: str) -> Callable[[], object]:
        return {
            "garbage": lambda: os.write(self._out, b"Loading weights: 100%|#####| 12/12\n"),
            "unfinished": lambda: os.write(self._out, (1000).to_bytes(4, "big") + b"{"),
            "flood": self._flood,
            "hang": lambda: time.sleep(3600),
        }[cue]

    def _flood(self) -> None:
        for _ in range(FLOOD // 2**16):
            os.write(2, b"flood " * (2**16 // 6) + b"\n")


def main(folder: Path, arguments: Sequence[str]) -> None:
    step, forward, init = Engine.step, GPT2.forward, Pipe.__init__
    by_id = {token_id: cue for cue, token_id in CUES.items()}
    faults: list[Faults] = []

    def with_faults(self: Pipe, tidy: Callable[[], None] = lambda: None) -> None:
        init(self, tidy)
        faults.append(Faults(folder, self._out))

    def faulty_step(self: Engine) -> list[Event]:
        for sequence in list(self._batch.running):
            cue = by_id.get(sequence.ids[0])
            if cue is not None and cue != "raise" and sequence.steps == AFTER:
                faults[0].commit(cue)
        return step(self)

    def faulty_forward(self: GPT2, chunks: Sequence[Chunk]) -> list[Tensor]:
        if any(CUES["raise"] in chunk.ids for chunk in chunks):
            raise ValueError("on cue")
        return forward(self, chunks)

    Pipe.__init__ = with_faults  # type: ignore[method-assign]
    Engine.step = faulty_step  # type: ignore[method-assign]
    GPT2.forward = faulty_forward  # type: ignore[method-assign]
    __main__.main(arguments)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
