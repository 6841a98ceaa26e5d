"""Token streams cut into batches of windows."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from bot.training.config import TrainingConfig
from bot.training.corpus import CompactVocabulary, UnusableText

# ids, positions, targets: each int64 [batch, time]
Batch = tuple[Tensor, Tensor, Tensor]


class Batches:
    """Windows of the stream in random order, each epoch cut at another offset.

    A window starts at a random position of the ``context``, so that windows
    shorter than it train every position.
    """

    def __init__(
        self, stream: Tensor, vocabulary: CompactVocabulary, config: TrainingConfig, context: int, seed: int
    ) -> None:
        self._stream = vocabulary.encode(stream)
        self._shared_id = vocabulary.shared_id
        self._once = vocabulary.counts == 1
        self._config = config
        self._context = context
        self._generator = torch.Generator().manual_seed(seed)

    def windows(self, time: int) -> Iterator[Batch]:
        """One epoch of (ids, positions, targets), each int64 [batch, time]."""
        size = max(1, self._config.batch_tokens // time)
        if len(self._stream) < 2 * time + 2:
            raise UnusableText(f"The text is too short: it needs more than {2 * time + 2} tokens.")
        offset = self._draw(time)
        starts = torch.arange(offset, len(self._stream) - time, time)
        order = starts[torch.randperm(len(starts), generator=self._generator)]
        for chosen in torch.split(order, size):
            tokens = self._stream[chosen[:, None] + torch.arange(time + 1)]
            tokens = self._forget_some(tokens)
            first = torch.randint(self._context - time + 1, (len(chosen), 1), generator=self._generator)
            yield tokens[:, :-1], first + torch.arange(time), tokens[:, 1:]

    def _forget_some(self, tokens: Tensor) -> Tensor:
        """Take some ids that occur once for ids that never occur.

        Leaving out the place where it stands, such an id is unseen: so the row
        of the unseen ids learns where they stand and how likely they are (Good 1953).
        """
        forget = torch.rand(tokens.shape, generator=self._generator) < self._config.unseen_share
        return torch.where(forget & self._once[tokens], self._shared_id, tokens)

    def _draw(self, limit: int) -> int:
        return int(torch.randint(limit, (), generator=self._generator))
