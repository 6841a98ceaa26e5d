"""The step loop: requests in, events out.

    submit → waiting → prefill, a chunk a step → decode, a token a step → Ended

Requests join and leave between steps. A step decodes one token for every
request that is past its prompt, in one shared forward pass, then reads one
chunk of the oldest unread prompt; so a long prompt delays the others by one
chunk at most. A request's tokens are the same, bit for bit, whatever runs
beside it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import torch
from torch import Tensor

from bot.model.gpt2 import GPT2, Chunk, KVCache
from bot.model.protocol import Ended, FinishReason, GenerationRequest, Rejected, Stepped
from bot.model.sampling import Sampler, problem

Event = Stepped | Ended | Rejected

# Skipping draws takes about a millisecond each; like a long prompt, a long skip
# must not hold up the others.
_SKIPS_PER_STEP = 256


class _Sequence:
    """A request that runs: its cache, its sampler, and how far it has come."""

    def __init__(self, request: GenerationRequest, model: GPT2) -> None:
        self.request = request
        self.cache: KVCache = model.new_cache()
        self.sampler = Sampler(request.params, vocabulary=model.vocabulary)
        self.prefill: Iterator[Tensor] = model.prefill(self.cache, request.prompt_ids)
        self.steps = 0
        self.last_id = -1

    @property
    def prompt_read(self) -> bool:
        return self.cache.length >= len(self.request.prompt_ids)


class Engine:
    """Runs up to ``max_batch`` requests together; not thread-safe.

    ``end_of_text`` is the token id that ends a text; it is the text's last step.
    """

    def __init__(self, model: GPT2, *, end_of_text: int, max_batch: int) -> None:
        if max_batch < 1:
            raise ValueError("max_batch must be at least 1")
        self._model = model
        self._end_of_text = end_of_text
        self._max_batch = max_batch
        self._waiting: deque[GenerationRequest] = deque()
        self._running: list[_Sequence] = []
        self._events: list[Event] = []

    @property
    def idle(self) -> bool:
        """Whether ``step`` has nothing to do and nothing to tell."""
        return not (self._waiting or self._running or self._events)

    def submit(self, request: GenerationRequest) -> None:
        """Let ``request`` wait for its turn; if it cannot be served, the next step says so."""
        if fault := self._fault(request):
            self._events.append(Rejected(request.request_id, fault))
        else:
            self._waiting.append(request)

    def abort(self, request_id: str) -> None:
        """End a request and free its cache now; unknown or ended ones are ignored."""
        known = len(self._waiting) + len(self._running)
        self._waiting = deque(r for r in self._waiting if r.request_id != request_id)
        self._running = [s for s in self._running if s.request.request_id != request_id]
        if len(self._waiting) + len(self._running) < known:
            self._events.append(Ended(request_id, "cancelled"))

    def step(self) -> list[Event]:
        """One token for each request past its prompt and one chunk of one prompt."""
        with torch.inference_mode():
            self._admit()
            self._decode()
            self._prefill()
        events, self._events = self._events, []
        return events

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self._max_batch:
            request = self._waiting.popleft()
            self._running.append(_Sequence(request, self._model))

    def _decode(self) -> None:
        sequences = [sequence for sequence in self._running if sequence.prompt_read]
        if not sequences:
            return
        hidden = self._model.forward([Chunk(s.cache, (s.last_id,)) for s in sequences])
        logits = self._model.next_logits(hidden)
        for sequence, row in zip(sequences, logits, strict=True):
            self._advance(sequence, row)

    def _prefill(self) -> None:
        sequence = next((s for s in self._running if not s.prompt_read), None)
        if sequence is None:
            return
        if sequence.sampler.draws_to_skip:
            sequence.sampler.skip(_SKIPS_PER_STEP)
            return
        hidden = next(sequence.prefill)
        if sequence.prompt_read:
            self._advance(sequence, *self._model.next_logits([hidden]))

    def _advance(self, sequence: _Sequence, logits: Tensor) -> None:
        """Choose the sequence's next token from ``logits`` [V]; a failure is its own."""
        request = sequence.request
        try:
            # The copy is aligned alike, whichever row of the batch it was.
            step = sequence.sampler.step(logits.clone())
        except Exception as error:
            # Whatever it is, the neighbours go on.
            self._running.remove(sequence)
            self._events.append(Rejected(request.request_id, f"{type(error).__name__}: {error}"))
            return
        self._events.append(Stepped(request.request_id, sequence.steps, step))
        sequence.steps += 1
        sequence.last_id = step.chosen.token_id
        if finish_reason := self._finish_reason(sequence):
            self._running.remove(sequence)
            self._events.append(Ended(request.request_id, finish_reason))

    def _finish_reason(self, sequence: _Sequence) -> FinishReason | None:
        if sequence.last_id == self._end_of_text:
            return "stop"
        if sequence.steps == sequence.request.params.max_new_tokens:
            return "length"
        return None

    def _fault(self, request: GenerationRequest) -> str | None:
        """Why ``request`` cannot be served, in words for the log, or None."""
        running = {s.request.request_id for s in self._running}
        if request.request_id in running | {r.request_id for r in self._waiting}:
            return "a request of this id is already in progress"
        if not request.prompt_ids:
            return "the prompt is empty"
        if not all(0 <= token_id < self._model.vocabulary for token_id in request.prompt_ids):
            return f"the prompt has an id that is not from 0 to {self._model.vocabulary - 1}"
        asked = len(request.prompt_ids) + request.params.max_new_tokens
        if asked > self._model.context:
            return f"the prompt and max_new_tokens make {asked} tokens; the context is {self._model.context}"
        return problem(request.params)
