"""The step loop: requests in, events out.

    submit → waiting → prefill, one chunk per step → decode, one token per step → Ended

Requests join and leave between steps. A step is one pass over the weights, shared by the
next token of every request that is past its prompt and a chunk of the prompts still being
read, so a long prompt delays the others by one chunk at most. What an ended text leaves in
its cache is kept for texts that begin alike. A request's tokens are the same, bit for bit,
whatever runs beside it, however its prompt is cut, and whether its beginning was computed
or kept.

A failing step (for lack of memory, say) rejects only the requests that cannot run without
failing. A step that fails for each of several requests raises, which ends the worker: the
fault is then not in a request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from bot.model.gpt2.tiling import Room
from bot.model.gpt2.transformer import GPT2
from bot.model.protocol import Ended, FinishReason, GenerationRequest, Rejected, Step, Stepped
from bot.model.worker.batch import Batch
from bot.model.worker.choosing import Choosing
from bot.model.worker.report import Choice, report
from bot.model.worker.sampling import NOT_FINITE, least_scores
from bot.model.worker.sampling_kernels import SamplingKernels
from bot.model.worker.sequence import Chosen, Planned, Read, TokenSequence, unservable

Event = Stepped | Ended | Rejected
P = TypeVar("P", Planned, Read, Chosen)
Part = TypeVar("Part")
Result = TypeVar("Result")

# Skipping a draw takes half a millisecond; like a long prompt, a long skip must not
# hold up the other requests.
_SKIPS_PER_STEP = 256
_FEW = 8  # requests whose logits are small


class Engine:
    """Runs up to ``max_batch`` requests together; not thread-safe.

    A text ends at any of the token ids ``ends``, which is its last step.
    Up to ``prefix_bytes`` of keys and values outlive their requests.
    """

    def __init__(
        self,
        model: GPT2,
        kernels: SamplingKernels,
        *,
        ends: Collection[int],
        max_batch: int,
        prefix_bytes: int = 0,
    ) -> None:
        self._model = model
        self._kernels = kernels
        self._ends = frozenset(ends)
        self._batch = Batch(model, kernels, max_batch=max_batch, prefix_bytes=prefix_bytes)
        self._choosing = Choosing(kernels)
        self._events: list[Event] = []
        self._room = Room()

    def use(self, model: GPT2) -> None:
        """From the next step on, compute with ``model``: the same one in another place of the memory."""
        self._model = model

    @property
    def idle(self) -> bool:
        """Whether ``step`` has nothing to compute and no event to return."""
        return self._batch.idle and not self._events

    def rest(self) -> None:
        """Give back the memory that only running requests need, if there are none."""
        self._batch.rest()
        self._room = Room()

    def forget(self) -> None:
        """Keep nothing of any text so far, nor of a text in progress once it has ended."""
        self._batch.forget()

    def submit(self, request: GenerationRequest) -> None:
        """Let ``request`` wait for its turn; if it cannot be served, the next step rejects it."""
        if request.request_id in self._batch:
            fault: str | None = "a request with this id is already in progress"
        else:
            fault = unservable(request, vocabulary=self._model.vocabulary, context=self._model.context)
        if fault:
            self._events.append(Rejected(request.request_id, fault))
        else:
            self._batch.add(request)

    def abort(self, request_id: str) -> None:
        """End a request now; an unknown or ended one is ignored."""
        if self._batch.remove(request_id):
            self._events.append(Ended(request_id, "cancelled"))

    def step(self) -> list[Event]:
        """Run one pass: one token per request past its prompt, and a chunk of the others' prompts."""
        with torch.inference_mode():
            self._batch.release_ended()
            self._events += [_rejected(request, error) for request, error in self._batch.admit()]
            self._skip_draws()
            computed = self._isolated(self._batch.plan(), self._forward)
            for part, hidden in computed:
                if part.sequence.request.scored:
                    with self._rejecting(part.sequence):
                        self._score(part.sequence, hidden)
            read = [Read(part.sequence, hidden) for part, hidden in computed if part.sequence.ready]
            self._advance(self._isolated(read, self._logits))
        events, self._events = self._events, []
        return events

    def _skip_draws(self) -> None:
        """Skip some of the draws that one request has to skip."""
        sequence = next((s for s in self._batch.running if s.sampler.draws_to_skip), None)
        if sequence is not None:
            with self._rejecting(sequence):
                sequence.sampler.skip(_SKIPS_PER_STEP)

    def _forward(self, planned: Sequence[Planned]) -> list[Tensor]:
        """Return the hidden states that each of ``planned`` wants; if it fails, the caches are as before."""
        lengths = [part.sequence.cache.length for part in planned]
        try:
            return self._model.forward([part.chunk for part in planned])
        except Exception:
            for part, length in zip(planned, lengths, strict=True):
                part.sequence.cache.length = length
            raise

    def _logits(self, read: Sequence[Read]) -> list[tuple[Tensor, float]]:
        """Each sequence's logits [V], and the least score that it draws."""
        # Not those of one after the other: they would overwrite each other.
        room = self._room if len(read) > _FEW else None
        logits = self._model.next_logits([part.hidden for part in read], room)
        least = least_scores(logits, [part.sequence.request.params for part in read], self._kernels)
        return list(zip(logits.unbind(), least, strict=True))

    def _advance(self, computed: Sequence[tuple[Read, tuple[Tensor, float]]]) -> None:
        """Choose each sequence's next token from what ``_logits`` found."""
        choices = self._choosing.begin([(read.sequence, *found) for read, found in computed])
        chosen: list[Chosen] = []
        for (read, _), choice in zip(computed, choices, strict=True):
            with self._rejecting(read.sequence):
                chosen.append(choice.result())
        for part, step in self._isolated(chosen, self._choosing.reported):
            self._take(part.sequence, step)

    def _take(self, sequence: TokenSequence, step: Step) -> None:
        """Append the chosen token to its sequence, which may end it."""
        self._events.append(Stepped(sequence.request.request_id, sequence.steps, step))
        sequence.steps += 1
        sequence.ids.append(step.chosen.token_id)
        if finish_reason := self._finish_reason(sequence):
            self._end(sequence, finish_reason)

    def _score(self, sequence: TokenSequence, hidden: Tensor) -> None:
        """Report the prompt's tokens that follow the rows of ``hidden`` [rows, width]."""
        request = sequence.request
        logits = self._model.logits(hidden)
        if not logits.isfinite().all():
            raise ValueError(NOT_FINITE)
        following = sequence.ids[sequence.steps + 1 : sequence.steps + 1 + len(logits)]
        params = request.params
        choices = [Choice(token_id, params.temperature, params.candidates) for token_id in following]
        for step in report(logits, choices, self._kernels):
            self._events.append(Stepped(request.request_id, sequence.steps, step))
            sequence.steps += 1
        if sequence.steps == request.steps:
            self._end(sequence, "length")

    def _finish_reason(self, sequence: TokenSequence) -> FinishReason | None:
        if sequence.ids[-1] in self._ends:
            return "stop"
        if sequence.steps == sequence.request.params.max_new_tokens:
            return "length"
        return None

    def _end(self, sequence: TokenSequence, finish_reason: FinishReason) -> None:
        self._batch.end(sequence)
        self._events.append(Ended(sequence.request.request_id, finish_reason))

    def _isolated(
        self, parts: Sequence[P], work: Callable[[Sequence[P]], Sequence[Result]]
    ) -> list[tuple[P, Result]]:
        """Return each part with its result of ``work``; reject the sequences whose parts fail alone.

        If every one of several parts fails, the fault is not theirs: raise the last error.
        """
        # For lack of memory the second attempt gets what the prefixes took.
        done, failed = together_or_alone(work, parts, before_alone=self._batch.prefixes.clear)
        if len(failed) > 1 and not done:
            raise failed[-1][1]
        for part, error in failed:
            self._reject(part.sequence, error)
        return done

    @contextmanager
    def _rejecting(self, sequence: TokenSequence) -> Iterator[None]:
        """Reject the sequence if the body fails; the others go on."""
        try:
            yield
        except Exception as error:
            self._reject(sequence, error)

    def _reject(self, sequence: TokenSequence, error: Exception) -> None:
        self._batch.end(sequence)
        self._events.append(_rejected(sequence.request, error))


def together_or_alone(
    work: Callable[[Sequence[Part]], Sequence[Result]],
    parts: Sequence[Part],
    *,
    before_alone: Callable[[], None],
) -> tuple[list[tuple[Part, Result]], list[tuple[Part, Exception]]]:
    """Do ``work`` for all parts at once or, if that fails, for each part alone.

    Returns the parts with their results, and the parts that failed alone with their errors.
    ``work`` returns one result per part, and changes nothing if it raises. ``before_alone``
    is called once if all parts together failed.
    """
    if not parts:
        return [], []
    try:
        return list(zip(parts, work(parts), strict=True)), []
    except Exception:
        before_alone()
    done: list[tuple[Part, Result]] = []
    failed: list[tuple[Part, Exception]] = []
    for part in parts:
        try:
            (result,) = work([part])
        except Exception as error:
            failed.append((part, error))
        else:
            done.append((part, result))
    return done, failed


def _rejected(request: GenerationRequest, error: Exception) -> Rejected:
    return Rejected(request.request_id, f"{type(error).__name__}: {error}")
