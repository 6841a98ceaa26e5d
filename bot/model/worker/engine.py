"""The step loop: requests in, events out.

    submit → waiting → prefill, a chunk a step → decode, a token a step → Ended

Requests join and leave between steps. A step is one pass over the weights,
shared by the next token of every request that is past its prompt and a chunk of
the prompts that are not yet read; so a long prompt delays the others by one
chunk at most. What a text leaves in its cache is kept for texts that begin
alike. A request's tokens are the same, bit for bit, whatever runs beside it,
however its prompt is cut, and whether its beginning was computed or kept.

What fails in a step (memory may lack) fails for those alone whom it cannot be done
for without the others; a step that fails for each of several raises, and ends the
worker, for then the fault is not in a request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from bot.model.gpt2.transformer import GPT2, LARGEST_CHUNK
from bot.model.protocol import READ_AT_ONCE, Ended, FinishReason, GenerationRequest, Rejected, Step, Stepped
from bot.model.worker.attempts import together_or_alone
from bot.model.worker.prefix_cache import PrefixCache
from bot.model.worker.report import Choice, report
from bot.model.worker.requests import unservable
from bot.model.worker.sampling import NOT_FINITE
from bot.model.worker.sequence import Chosen, Planned, Read, Running

Event = Stepped | Ended | Rejected
P = TypeVar("P", Planned, Read, Chosen)
R = TypeVar("R")

# While others wait for their next token, a step reads no more of the prompts than
# this: it then takes about four times as long as without.
SHARED_CHUNK = READ_AT_ONCE

# Skipping draws takes half a millisecond each; like a long prompt, a long skip
# must not hold up the others.
_SKIPS_PER_STEP = 256


class Engine:
    """Runs up to ``max_batch`` requests together; not thread-safe.

    A text ends at any of the token ids ``ends``, which is its last step.
    Up to ``prefix_bytes`` of keys and values outlive their requests.
    """

    def __init__(self, model: GPT2, *, ends: Collection[int], max_batch: int, prefix_bytes: int = 0) -> None:
        if max_batch < 1:
            raise ValueError("max_batch must be at least 1")
        self._model = model
        self._ends = frozenset(ends)
        self._max_batch = max_batch
        self._store = model.new_store(max_batch)
        self._prefixes = PrefixCache(prefix_bytes)
        self._threads = ThreadPoolExecutor(torch.get_num_threads(), "sampling", torch.set_num_threads, (1,))
        self._waiting: deque[GenerationRequest] = deque()
        self._running: list[Running] = []
        self._left: list[Running] = []
        self._events: list[Event] = []

    @property
    def idle(self) -> bool:
        """Whether ``step`` has nothing to do and nothing to tell."""
        return not (self._waiting or self._running or self._left or self._events)

    def rest(self) -> None:
        """Give back the memory that only running requests need, if there are none."""
        self._store.give_back()

    def forget(self) -> None:
        """Keep nothing of any text so far, nor of one in progress once it has ended."""
        self._prefixes.clear()
        for sequence in (*self._running, *self._left):
            sequence.is_kept = False

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
            computed = self._sound(self._plan(), self._forward)
            for part, rows in computed:
                if part.sequence.request.scored:
                    with self._blaming(part.sequence):
                        self._score(part.sequence, rows)
            read = [Read(part.sequence, rows) for part, rows in computed if part.sequence.ready]
            self._advance(self._sound(read, self._logits))
        events, self._events = self._events, []
        return events

    def _clear(self) -> None:
        """Keep what those who left have computed, now that their events have been told."""
        for sequence in self._left:
            if sequence.is_kept:
                self._prefixes.keep(sequence.cached_ids, sequence.cache)
            self._store.release(sequence.cache)
        self._left.clear()

    def _admit(self) -> None:
        while self._waiting and len(self._running) < self._max_batch:
            request = self._waiting.popleft()
            cache = self._store.new_cache()
            try:
                if not request.scored:  # what is kept has no logits
                    self._prefixes.recall(request.prompt_ids, cache)
                self._running.append(Running(request, cache, self._model.vocabulary))
            except Exception as error:
                self._store.release(cache)
                self._events.append(_rejected(request, error))

    def _skip_draws(self) -> None:
        """Spend a portion of what one request has to skip."""
        sequence = next((s for s in self._running if s.sampler.draws_to_skip), None)
        if sequence is not None:
            with self._blaming(sequence):
                sequence.sampler.skip(_SKIPS_PER_STEP)

    def _plan(self) -> list[Planned]:
        planned = [Planned(s, s.chunk(1)) for s in self._running if s.decodes]
        room = SHARED_CHUNK if planned else LARGEST_CHUNK
        for sequence in self._running:
            if sequence.decodes or sequence.sampler.draws_to_skip or room == 0:
                continue
            chunk = sequence.chunk(room)
            planned.append(Planned(sequence, chunk))
            room -= len(chunk.ids)
        return planned

    def _forward(self, planned: Sequence[Planned]) -> list[Tensor]:
        """The hidden states that each of ``planned`` wants; the caches are as before if it fails."""
        lengths = [part.sequence.cache.length for part in planned]
        try:
            return self._model.forward([part.chunk for part in planned])
        except Exception:
            for part, length in zip(planned, lengths, strict=True):
                part.sequence.cache.length = length
            raise

    def _logits(self, ready: Sequence[Read]) -> Sequence[Tensor]:
        return self._model.next_logits([part.hidden for part in ready]).unbind()

    def _advance(self, computed: Sequence[tuple[Read, Tensor]]) -> None:
        """Choose each sequence's next token from its logits [V]."""
        noise = [self._threads.submit(ready.sequence.sampler.noise) for ready, _ in computed]
        chosen: list[Chosen] = []
        for (ready, logits), drawn in zip(computed, noise, strict=True):
            sequence, params = ready.sequence, ready.sequence.request.params
            with self._blaming(sequence):
                # The copy is aligned alike, whichever row of the batch it was.
                token_id = sequence.sampler.choose(logits.clone(), drawn.result())
                chosen.append(
                    Chosen(sequence, Choice(token_id, params.temperature, params.candidates), logits)
                )
        for part, step in self._sound(chosen, _reported):
            self._tell(part.sequence, step)

    def _tell(self, sequence: Running, step: Step) -> None:
        self._events.append(Stepped(sequence.request.request_id, sequence.steps, step))
        sequence.steps += 1
        sequence.ids.append(step.chosen.token_id)
        if finish_reason := self._finish_reason(sequence):
            self._retire(sequence)
            self._events.append(Ended(sequence.request.request_id, finish_reason))

    def _score(self, sequence: Running, hidden: Tensor) -> None:
        """Report the tokens that stand behind the rows of ``hidden`` [rows, width]."""
        request = sequence.request
        logits = self._model.logits(hidden)
        if not logits.isfinite().all():
            raise ValueError(NOT_FINITE)
        following = sequence.ids[sequence.steps + 1 : sequence.steps + 1 + len(logits)]
        params = request.params
        choices = [Choice(token_id, params.temperature, params.candidates) for token_id in following]
        for step in report(logits, choices):
            self._events.append(Stepped(request.request_id, sequence.steps, step))
            sequence.steps += 1
        if sequence.steps == request.steps:
            self._retire(sequence)
            self._events.append(Ended(request.request_id, "length"))

    def _sound(self, parts: Sequence[P], work: Callable[[Sequence[P]], Sequence[R]]) -> list[tuple[P, R]]:
        """Each part with what ``work`` makes of it, but those that it cannot be done for: they are rejected.

        If it can be done for none of several, it is not their fault: raises the last error.
        """
        # Memory may be what lacks, so the second try has some more.
        done, failed = together_or_alone(work, parts, before_alone=self._prefixes.clear)
        if len(failed) > 1 and not done:
            raise failed[-1][1]
        for part, error in failed:
            self._reject(part.sequence, error)
        return done

    @contextmanager
    def _blaming(self, sequence: Running) -> Iterator[None]:
        """Whatever fails in the body rejects the sequence; its neighbours go on."""
        try:
            yield
        except Exception as error:
            self._reject(sequence, error)

    def _reject(self, sequence: Running, error: Exception) -> None:
        self._retire(sequence)
        self._events.append(_rejected(sequence.request, error))

    def _retire(self, sequence: Running) -> None:
        """Take the sequence out; the next step frees its place."""
        self._running.remove(sequence)
        self._left.append(sequence)

    def _finish_reason(self, sequence: Running) -> FinishReason | None:
        if sequence.ids[-1] in self._ends:
            return "stop"
        if sequence.steps == sequence.request.params.max_new_tokens:
            return "length"
        return None

    def _fault(self, request: GenerationRequest) -> str | None:
        """Why ``request`` cannot be served, in words for the log, or None."""
        running = {s.request.request_id for s in self._running}
        if request.request_id in running | {r.request_id for r in self._waiting}:
            return "a request of this id is already in progress"
        return unservable(request, vocabulary=self._model.vocabulary, context=self._model.context)


def _reported(chosen: Sequence[Chosen]) -> list[Step]:
    return report(torch.stack([part.logits for part in chosen]), [part.choice for part in chosen])


def _rejected(request: GenerationRequest, error: Exception) -> Rejected:
    return Rejected(request.request_id, f"{type(error).__name__}: {error}")
