"""A request in the batch, and how far it has come in a step: planned, read, chosen."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass

from torch import Tensor

from bot.model.gpt2.kv_cache import KVCache
from bot.model.gpt2.transformer import Chunk
from bot.model.protocol import READ_AT_ONCE, GenerationRequest
from bot.model.worker.report import Choice
from bot.model.worker.sampling import Sampler, problem


def unservable(request: GenerationRequest, *, vocabulary: int, context: int) -> str | None:
    """Say why a model with ``vocabulary`` tokens and ``context`` positions cannot serve it, or None.

    The sentence is for the log.
    """
    if not request.prompt_ids:
        return "the prompt is empty"
    if not all(0 <= token_id < vocabulary for token_id in request.prompt_ids):
        return f"the prompt has an id that is not from 0 to {vocabulary - 1}"
    if not 0 <= request.generated < len(request.prompt_ids):
        return "generated is not from 0 to one less than the prompt's length"
    if request.scored and len(request.prompt_ids) < 2:
        return "there is no second token to score"
    total = len(request.prompt_ids) + (0 if request.scored else request.params.max_new_tokens)
    if total > context:
        return f"the prompt and max_new_tokens make {total} tokens; the context is {context}"
    return problem(request.params)


class TokenSequence:
    """A running request: its token ids, its cache, its sampler, and its steps so far."""

    def __init__(self, request: GenerationRequest, cache: KVCache, sampler: Sampler) -> None:
        self.request = request
        self.cache = cache
        self.sampler = sampler
        self.ids = list(request.prompt_ids)
        self.steps = 0
        #: The variates of the next draw, if they are made ahead.
        self.noise: Future[Tensor | None] | None = None
        self.is_kept = True  # for texts that begin alike, once it has ended

    @property
    def decodes(self) -> bool:
        """Whether its next pass takes one token and gives one."""
        return self.steps > 0 and not self.request.scored

    @property
    def ready(self) -> bool:
        """Whether all ``ids`` are in the cache, so that the last one's logits choose the next token."""
        return self.cache.length == len(self.ids) and not self.request.scored

    @property
    def cached_ids(self) -> tuple[int, ...]:
        """The ids whose keys and values are in the cache."""
        return tuple(self.ids[: self.cache.length])

    def chunk(self, at_most: int) -> Chunk:
        """Return the next ids to compute, ``at_most`` as many.

        Of a prompt, only the last id's hidden state is wanted; of a scored text, every one's.
        """
        start = self.cache.length
        if self.request.scored:
            end = min(start + min(at_most, READ_AT_ONCE), len(self.ids) - 1)
            return Chunk(self.cache, self.ids[start:end], wanted=end - start)
        end = min(start + at_most, len(self.ids))
        return Chunk(self.cache, self.ids[start:end], wanted=int(end == len(self.ids)))


@dataclass(frozen=True, slots=True)
class Planned:
    """The rows of a sequence that a step computes."""

    sequence: TokenSequence
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Read:
    """All ids are in the cache; ``hidden`` [rows, width] holds the hidden states of the last ones."""

    sequence: TokenSequence
    hidden: Tensor


@dataclass(frozen=True, slots=True)
class Chosen:
    """The next token, and the ``logits`` [V] from which it was chosen."""

    sequence: TokenSequence
    choice: Choice
    logits: Tensor
