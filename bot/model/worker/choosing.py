"""Choosing the next tokens of several sequences, and reporting on them.

A single row is too short to be shared out: waking the other threads takes as long as they save. So a row is
one thread's, unless there are many to be reported on together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from bot.model.protocol import Step
from bot.model.worker.report import Choice, report, side_by_side
from bot.model.worker.sampling_kernels import SamplingKernels
from bot.model.worker.sequence import Chosen, TokenSequence

Result = TypeVar("Result")


class Choosing:
    """As many threads as torch has, in which torch itself starts no others."""

    def __init__(self, kernels: SamplingKernels) -> None:
        self._kernels = kernels
        self._count = torch.get_num_threads()
        self._threads = ThreadPoolExecutor(self._count, "sampling", torch.set_num_threads, (1,))

    def begin(self, read: Sequence[tuple[TokenSequence, Tensor, float]]) -> list[Future[Chosen]]:
        """Begin to choose the next token of each sequence, given its logits [V] and the least score drawn."""
        noise = [self._noise(sequence) for sequence, *_ in read]
        # Threads take their work in this order: what one of them waits for has begun.
        choices = [
            self._threads.submit(_chosen, sequence, logits, least, drawn)
            for (sequence, logits, least), drawn in zip(read, noise, strict=True)
        ]
        if len(read) < self._count:  # a thread has nothing to do
            for (sequence, *_), drawn in zip(read, noise, strict=True):
                self._draw_ahead(sequence, drawn)
        return choices

    def reported(self, chosen: Sequence[Chosen]) -> list[Step]:
        """What is said of each choice."""
        if len(chosen) <= self._count:
            return list(self._threads.map(self._report, chosen))
        logits = side_by_side([one.logits for one in chosen])
        return report(logits, [one.choice for one in chosen], self._kernels)

    def _noise(self, sequence: TokenSequence) -> Future[Tensor | None]:
        """The variates of the sequence's next draw."""
        drawn, sequence.noise = sequence.noise, None
        return drawn or self._threads.submit(sequence.sampler.noise)

    def _draw_ahead(self, sequence: TokenSequence, drawn: Future[Tensor | None]) -> None:
        """Begin with the variates of the draw after ``drawn``, if there will be one."""
        if sequence.steps + 1 < sequence.request.params.max_new_tokens:
            sequence.noise = self._threads.submit(_after, drawn, sequence.sampler.noise)

    @torch.inference_mode()
    def _report(self, chosen: Chosen) -> Step:
        (step,) = report(chosen.logits[None], [chosen.choice], self._kernels)
        return step


@torch.inference_mode()
def _chosen(sequence: TokenSequence, logits: Tensor, least: float, noise: Future[Tensor | None]) -> Chosen:
    params = sequence.request.params
    token_id = sequence.sampler.choose(logits, noise.result(), least)
    return Chosen(sequence, Choice(token_id, params.temperature, params.candidates), logits)


def _after(earlier: Future[Result], work: Callable[[], Result]) -> Result:
    earlier.result()
    return work()
