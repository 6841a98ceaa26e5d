"""The worker's requests: those that wait for a place, those that run, and what ended texts leave behind."""

from __future__ import annotations

from collections import deque

from bot.model.gpt2.transformer import GPT2, LARGEST_CHUNK
from bot.model.protocol import READ_AT_ONCE, GenerationRequest
from bot.model.worker.prefix_cache import PrefixCache
from bot.model.worker.sampling import Sampler
from bot.model.worker.sampling_kernels import SamplingKernels
from bot.model.worker.sequence import Planned, TokenSequence

# While other requests wait for their next token, a step reads at most this many tokens of
# prompts: it then takes about four times as long as without.
SHARED_CHUNK = READ_AT_ONCE


class Batch:
    """Up to ``max_batch`` running sequences, first come first served; not thread-safe.

    An ended sequence keeps its place and its cache until :meth:`release_ended`. Up to
    ``prefix_bytes`` of keys and values outlive their sequences.
    """

    def __init__(self, model: GPT2, kernels: SamplingKernels, *, max_batch: int, prefix_bytes: int) -> None:
        if max_batch < 1:
            raise ValueError("max_batch must be at least 1")
        self._max_batch = max_batch
        self._vocabulary, self._kernels = model.vocabulary, kernels
        self._store = model.new_store(max_batch)
        self.prefixes = PrefixCache(prefix_bytes)
        self._waiting: deque[GenerationRequest] = deque()
        self.running: list[TokenSequence] = []
        self._ended: list[TokenSequence] = []

    def __contains__(self, request_id: str) -> bool:
        """Whether a request of this id waits or runs."""
        return any(request.request_id == request_id for request in self._requests())

    @property
    def idle(self) -> bool:
        return not (self._waiting or self.running or self._ended)

    def rest(self) -> None:
        """Give back the memory that only running requests need, if there are none."""
        self._store.give_back()

    def forget(self) -> None:
        """Keep nothing of any text so far, nor of a text in progress once it has ended."""
        self.prefixes.clear()
        for sequence in (*self.running, *self._ended):
            sequence.is_kept = False

    def add(self, request: GenerationRequest) -> None:
        """Let ``request`` wait for a place."""
        self._waiting.append(request)

    def remove(self, request_id: str) -> bool:
        """End the request of this id, waiting or running; False if there is none."""
        if request_id not in self:
            return False
        self._waiting = deque(r for r in self._waiting if r.request_id != request_id)
        for sequence in [s for s in self.running if s.request.request_id == request_id]:
            self.end(sequence)
        return True

    def end(self, sequence: TokenSequence) -> None:
        """Run ``sequence`` no further; its place is free after :meth:`release_ended`."""
        self.running.remove(sequence)
        self._ended.append(sequence)

    def release_ended(self) -> None:
        """Free the places of ended sequences, and keep what they computed for texts that begin alike."""
        for sequence in self._ended:
            if sequence.is_kept:
                self.prefixes.keep(sequence.cached_ids, sequence.cache)
            self._store.release(sequence.cache)
        self._ended.clear()

    def admit(self) -> list[tuple[GenerationRequest, Exception]]:
        """Give waiting requests the free places; return those that fail to begin with their errors."""
        failed: list[tuple[GenerationRequest, Exception]] = []
        while self._waiting and len(self.running) < self._max_batch:
            request = self._waiting.popleft()
            cache = self._store.new_cache()
            try:
                if not request.scored:  # kept positions have no logits
                    self.prefixes.recall(request.prompt_ids, cache)
                self.running.append(TokenSequence(request, cache, self._sampler(request)))
            except Exception as error:
                self._store.release(cache)
                failed.append((request, error))
        return failed

    def _sampler(self, request: GenerationRequest) -> Sampler:
        return Sampler(
            request.params, spent=request.generated, vocabulary=self._vocabulary, kernels=self._kernels
        )

    def plan(self) -> list[Planned]:
        """Choose the rows of the next pass: every decoding sequence's next token, and parts of prompts."""
        planned = [Planned(s, s.chunk(1)) for s in self.running if s.decodes]
        room = SHARED_CHUNK if planned else LARGEST_CHUNK
        for sequence in self.running:
            if sequence.decodes or sequence.sampler.draws_to_skip or room == 0:
                continue
            chunk = sequence.chunk(room)
            planned.append(Planned(sequence, chunk))
            room -= len(chunk.ids)
        return planned

    def _requests(self) -> list[GenerationRequest]:
        return [*self._waiting, *(sequence.request for sequence in self.running)]
