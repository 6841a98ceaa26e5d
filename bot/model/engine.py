"""The step loop: requests in, events out.

    submit → waiting → prefill, a chunk a step → decode, a token a step → Ended

Requests join and leave between steps. A step is one pass over the weights,
shared by the next token of every request that is past its prompt and a chunk of
the prompts that are not yet read; so a long prompt delays the others by one
chunk at most. What a text leaves in its cache is kept for texts that begin
alike. A request's tokens are the same, bit for bit, whatever runs beside it,
however its prompt is cut, and whether its beginning was computed or kept.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from bot.model.gpt2 import GPT2, LARGEST_CHUNK, Chunk
from bot.model.kv_cache import KVCache
from bot.model.prefixes import PrefixCache
from bot.model.protocol import READ_AT_ONCE, Ended, FinishReason, GenerationRequest, Rejected, Stepped
from bot.model.report import Choice, report
from bot.model.sampling import NOT_FINITE, Sampler, problem

Event = Stepped | Ended | Rejected

# While others wait for their next token, a step reads no more of the prompts than
# this: it then takes about four times as long as without.
SHARED_CHUNK = READ_AT_ONCE

# Skipping draws takes half a millisecond each; like a long prompt, a long skip
# must not hold up the others.
_SKIPS_PER_STEP = 256


class _Sequence:
    """A request that runs: its cache, its sampler, and how far it has come."""

    def __init__(self, request: GenerationRequest, cache: KVCache, vocabulary: int) -> None:
        self.request = request
        self.cache = cache
        self.sampler = Sampler(request.params, spent=request.generated, vocabulary=vocabulary)
        self.ids = list(request.prompt_ids)
        self.steps = 0

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
class _Pass:
    """Who takes part in a step, and with how many rows."""

    sequences: list[_Sequence]
    chunks: list[Chunk]


class Engine:
    """Runs up to ``max_batch`` requests together; not thread-safe.

    ``end_of_text`` is the token id that ends a text; it is the text's last step.
    Up to ``prefix_bytes`` of keys and values outlive their requests.
    """

    def __init__(self, model: GPT2, *, end_of_text: int, max_batch: int, prefix_bytes: int = 0) -> None:
        if max_batch < 1:
            raise ValueError("max_batch must be at least 1")
        self._model = model
        self._end_of_text = end_of_text
        self._max_batch = max_batch
        self._store = model.new_store(max_batch)
        self._prefixes = PrefixCache(prefix_bytes)
        self._threads = ThreadPoolExecutor(torch.get_num_threads(), "sampling", torch.set_num_threads, (1,))
        self._waiting: deque[GenerationRequest] = deque()
        self._running: list[_Sequence] = []
        self._left: list[_Sequence] = []
        self._events: list[Event] = []

    @property
    def idle(self) -> bool:
        """Whether ``step`` has nothing to do and nothing to tell."""
        return not (self._waiting or self._running or self._left or self._events)

    def submit(self, request: GenerationRequest) -> None:
        """Let ``request`` wait for its turn; if it cannot be served, the next step says so."""
        if fault := self._fault(request):
            self._events.append(Rejected(request.request_id, fault))
        else:
            self._waiting.append(request)

    def abort(self, request_id: str) -> None:
        """End a request now; unknown or ended ones are ignored."""
        known = len(self._waiting) + len(self._running)
        self._waiting = deque(r for r in self._waiting if r.request_id != request_id)
        for sequence in [s for s in self._running if s.request.request_id == request_id]:
            self._retire(sequence)
        if len(self._waiting) + len(self._running) < known:
            self._events.append(Ended(request_id, "cancelled"))

    def step(self) -> list[Event]:
        """One pass: a token for each request past its prompt, and a chunk of the others' prompts."""
        with torch.inference_mode():
            self._clear()
            self._admit()
            self._skip_draws()
            planned = self._plan()
            if planned.chunks:
                hidden = self._model.forward(planned.chunks)
                for sequence, rows in zip(planned.sequences, hidden, strict=True):
                    if sequence.request.scored:
                        self._score(sequence, rows)
                ready = [(s, rows) for s, rows in zip(planned.sequences, hidden, strict=True) if s.ready]
                if ready:
                    self._advance([s for s, _ in ready], self._model.next_logits([rows for _, rows in ready]))
        events, self._events = self._events, []
        return events

    def _clear(self) -> None:
        """Keep what those who left have computed, now that their events have been told."""
        for sequence in self._left:
            self._prefixes.keep(sequence.cached_ids, sequence.cache)
            self._store.release(sequence.cache)
        self._left.clear()

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self._max_batch:
            request = self._waiting.popleft()
            cache = self._store.new_cache()
            if not request.scored:  # what is kept has no logits
                self._prefixes.recall(request.prompt_ids, cache)
            self._running.append(_Sequence(request, cache, self._model.vocabulary))

    def _skip_draws(self) -> None:
        """Spend a portion of what one request has to skip."""
        sequence = next((s for s in self._running if s.sampler.draws_to_skip), None)
        if sequence is not None:
            sequence.sampler.skip(_SKIPS_PER_STEP)

    def _plan(self) -> _Pass:
        going = [s for s in self._running if s.decodes]
        planned = _Pass(going, [s.chunk(1) for s in going])
        room = SHARED_CHUNK if going else LARGEST_CHUNK
        for sequence in self._running:
            if sequence.decodes or sequence.sampler.draws_to_skip or room == 0:
                continue
            chunk = sequence.chunk(room)
            planned.sequences.append(sequence)
            planned.chunks.append(chunk)
            room -= len(chunk.ids)
        return planned

    def _advance(self, sequences: list[_Sequence], logits: Tensor) -> None:
        """Choose each sequence's next token from its row of ``logits`` [sequences, V]."""
        noise = list(self._threads.map(Sampler.noise, (s.sampler for s in sequences)))
        chosen: list[tuple[_Sequence, Choice]] = []
        rows: list[int] = []
        for row, sequence in enumerate(sequences):
            params = sequence.request.params
            try:
                # The copy is aligned alike, whichever row of the batch it was.
                token_id = sequence.sampler.choose(logits[row].clone(), noise[row])
            except Exception as error:
                # Whatever it is, the neighbours go on.
                self._retire(sequence)
                self._events.append(Rejected(sequence.request.request_id, f"{type(error).__name__}: {error}"))
                continue
            rows.append(row)
            chosen.append((sequence, Choice(token_id, params.temperature, params.candidates)))
        if not chosen:
            return
        for (sequence, choice), step in zip(
            chosen, report(logits[rows], [c for _, c in chosen]), strict=True
        ):
            self._events.append(Stepped(sequence.request.request_id, sequence.steps, step))
            sequence.steps += 1
            sequence.ids.append(choice.token_id)
            if finish_reason := self._finish_reason(sequence):
                self._retire(sequence)
                self._events.append(Ended(sequence.request.request_id, finish_reason))

    def _score(self, sequence: _Sequence, hidden: Tensor) -> None:
        """Report the tokens that stand behind the rows of ``hidden`` [rows, width]."""
        request = sequence.request
        logits = self._model.logits(hidden)
        if not logits.isfinite().all():
            self._retire(sequence)
            self._events.append(Rejected(request.request_id, NOT_FINITE))
            return
        following = sequence.ids[sequence.steps + 1 : sequence.steps + 1 + len(logits)]
        params = request.params
        choices = [Choice(token_id, params.temperature, params.candidates) for token_id in following]
        for step in report(logits, choices):
            self._events.append(Stepped(request.request_id, sequence.steps, step))
            sequence.steps += 1
        if sequence.steps == request.steps:
            self._retire(sequence)
            self._events.append(Ended(request.request_id, "length"))

    def _retire(self, sequence: _Sequence) -> None:
        """Take the sequence out; the next step frees its place."""
        self._running.remove(sequence)
        self._left.append(sequence)

    def _finish_reason(self, sequence: _Sequence) -> FinishReason | None:
        if sequence.ids[-1] == self._end_of_text:
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
        if not 0 <= request.generated < len(request.prompt_ids):
            return "generated is not from 0 to one less than the prompt's length"
        if request.scored and len(request.prompt_ids) < 2:
            return "there is no second token to be scored"
        asked = len(request.prompt_ids) + (0 if request.scored else request.params.max_new_tokens)
        if asked > self._model.context:
            return f"the prompt and max_new_tokens make {asked} tokens; the context is {self._model.context}"
        return problem(request.params)
