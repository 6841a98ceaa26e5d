"""Which tokens are similar to the model: the cosines of their embeddings.

There is an embedding per token, so they are compared in portions, one between two steps of
the engine: running requests barely wait. They are the embeddings that the model computes
with, not a copy.
"""

from __future__ import annotations

import math
import traceback
from collections import deque

import torch
from torch import Tensor

from bot.model.gpt2.transformer import GPT2
from bot.model.protocol import Alike, Lookup, Similar

# Rows of the embedding. At GPT-2 Large's width they take some 5 ms, a step of the
# engine ten times that, and 20 MB meanwhile.
PORTION = 4096


class Similarity:
    """Answers lookups one after the other, a portion a step; not thread-safe."""

    def __init__(self, model: GPT2) -> None:
        self._model = model
        self._waiting: deque[Lookup] = deque()
        self._cosines: list[Tensor] = []  # of the first in line, portion by portion

    def use(self, model: GPT2) -> None:
        """From the next step on, compare the embeddings of ``model``, which has the same ones."""
        self._model = model

    @property
    def idle(self) -> bool:
        """Whether ``step`` has nothing to do."""
        return not self._waiting

    def submit(self, lookup: Lookup) -> None:
        self._waiting.append(lookup)

    def step(self) -> list[Similar]:
        """Compare one portion; the answer, if it was the last or if it failed."""
        if not self._waiting:
            return []
        lookup = self._waiting[0]
        try:
            return self._compare_next(lookup)
        except Exception:
            # Memory may be short; the running requests go on.
            traceback.print_exc()
            self._end()
            return [Similar(lookup.lookup_id, None)]

    def _compare_next(self, lookup: Lookup) -> list[Similar]:
        size = self._model.vocabulary
        if 0 <= lookup.token_id < size:
            start = PORTION * len(self._cosines)
            self._cosines.append(self._compared(lookup.token_id, start, min(start + PORTION, size)))
            if start + PORTION < size:
                return []
        alike = _most_alike(self._cosines, lookup) if self._cosines else ()
        self._end()
        return [Similar(lookup.lookup_id, alike)]

    def _end(self) -> None:
        self._waiting.popleft()
        self._cosines = []

    def _compared(self, token_id: int, start: int, end: int) -> Tensor:
        """The cosines of ``token_id`` with the tokens from ``start`` to ``end``; of zeros, not a number."""
        with torch.inference_mode():
            rows = self._model.embedding(torch.arange(start, end))
            row = self._model.embedding(torch.tensor([token_id]))[0]
            lengths = torch.linalg.vector_norm(rows, dim=1) * torch.linalg.vector_norm(row)
            return torch.div(rows @ row, lengths)


def _most_alike(portions: list[Tensor], lookup: Lookup) -> tuple[Alike, ...]:
    """The greatest cosines but the token's own, and but those that are not numbers."""
    cosines = torch.cat(portions)
    cosines = torch.where(cosines.isfinite(), cosines, -torch.inf)
    cosines[lookup.token_id] = -torch.inf
    best, ids = cosines.topk(min(max(0, lookup.count), len(cosines)))
    pairs = zip(ids.tolist(), best.tolist(), strict=True)
    return tuple(Alike(token_id, cosine) for token_id, cosine in pairs if math.isfinite(cosine))
