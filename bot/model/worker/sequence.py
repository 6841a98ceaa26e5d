"""A request that runs, and how far it has come in a step: planned, read, chosen."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bot.model.gpt2.kv_cache import KVCache
from bot.model.gpt2.transformer import Chunk
from bot.model.protocol import READ_AT_ONCE, GenerationRequest
from bot.model.worker.report import Choice
from bot.model.worker.sampling import Sampler


class Running:
    """A request that runs: its cache, its sampler, and how far it has come."""

    def __init__(self, request: GenerationRequest, cache: KVCache, vocabulary: int) -> None:
        self.request = request
        self.cache = cache
        self.sampler = Sampler(request.params, spent=request.generated, vocabulary=vocabulary)
        self.ids = list(request.prompt_ids)
        self.steps = 0
        self.is_kept = True  # for texts that begin alike, once it has ended

    @property
    def decodes(self) -> bool:
        """Whether its next pass gives a token and takes one."""
        return self.steps > 0 and not self.request.scored

    @property
    def ready(self) -> bool:
        """Whether all ``ids`` are in the cache, so that the last one's logits say what comes next."""
        return self.cache.length == len(self.ids) and not self.request.scored

    @property
    def cached_ids(self) -> tuple[int, ...]:
        """What is in the cache."""
        return tuple(self.ids[: self.cache.length])

    def chunk(self, at_most: int) -> Chunk:
        """The next ids to compute; only after the last of all a token is to be chosen."""
        start = self.cache.length
        if self.request.scored:
            end = min(start + min(at_most, READ_AT_ONCE), len(self.ids) - 1)
            return Chunk(self.cache, self.ids[start:end], wanted=end - start)
        end = min(start + at_most, len(self.ids))
        return Chunk(self.cache, self.ids[start:end], wanted=int(end == len(self.ids)))


@dataclass(frozen=True, slots=True)
class Planned:
    """Which of its rows a step computes."""

    sequence: Running
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Read:
    """All of its ids are in the cache; ``hidden`` [rows, width] is what the last ones gave."""

    sequence: Running
    hidden: Tensor


@dataclass(frozen=True, slots=True)
class Chosen:
    """What it says next, and the ``logits`` [V] from which that was chosen."""

    sequence: Running
    choice: Choice
    logits: Tensor
