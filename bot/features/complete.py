"""``/complete`` without Discord: what is requested, what it became, how it goes on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from msgspec import structs

from bot.errors import ContextExceeded, NothingWritten
from bot.model.model_info import Fingerprint
from bot.model.protocol import MAX_SEED, Candidate, FinishReason, GenerationRequest, SamplingParams, Step
from bot.queue.updates import Completion, token_ids

# Below it the logits divided by the temperature overflow; by then the most likely token
# has all the probability.
COLDEST = 1e-6


@dataclass(frozen=True, slots=True)
class CompletionJob:
    """A text to be continued.

    ``earlier`` are its steps by earlier runs; at those numbered in ``by_hand`` a person chose
    another token than the model did, and if the job ``is_fork`` its owner has just chosen the last
    one. They were written under ``earlier_by``, and before that under others if they are ``mixed``.
    ``parent`` is the run that this one comes from, ``sources`` are the people other than its owner
    from whose runs it was made. ``group`` is the same for the jobs of one comparison: the run id of
    the first.
    """

    run_id: str
    owner: int
    prompt_ids: tuple[int, ...]
    params: SamplingParams
    private: bool
    earlier: tuple[Step, ...] = ()
    by_hand: tuple[int, ...] = ()
    earlier_by: Fingerprint | None = None
    mixed: bool = False
    is_fork: bool = False
    parent: str | None = None
    group: str | None = None
    sources: frozenset[int] = frozenset()

    @property
    def earlier_ids(self) -> tuple[int, ...]:
        return token_ids(self.earlier)

    def request(self, context: int) -> GenerationRequest:
        """What the model is asked: to go on after the earlier tokens.

        A continued text gets as many of the requested tokens as there is room for.
        ContextExceeded if there is none; of a new text, if they do not all fit.
        """
        ids = self.prompt_ids + self.earlier_ids
        asked = self.params.max_new_tokens
        if self.earlier:
            asked = max(1, min(asked, context - len(ids)))
        check_context(len(ids), asked, context)
        params = structs.replace(self.params, max_new_tokens=asked)
        return GenerationRequest(self.run_id, ids, params, generated=len(self.earlier))

    def finished(self, completion: Completion, *, fingerprint: Fingerprint, asked_at: float) -> CompletionRun:
        return CompletionRun(
            run_id=self.run_id,
            owner=self.owner,
            prompt_ids=self.prompt_ids,
            params=self.params,
            private=self.private,
            steps=self.earlier + completion.steps,
            by_hand=self.by_hand,
            mixed=self.mixed or self.earlier_by not in (None, fingerprint),
            finish_reason=completion.finish_reason,
            fingerprint=fingerprint,
            asked_at=asked_at,
            parent=self.parent,
            group=self.group,
            sources=self.sources,
        )


@dataclass(frozen=True, slots=True)
class CompletionRun:
    """A finished job, with a step for each token behind the prompt.

    ``asked_at`` is in seconds since 1970. ``fingerprint`` is the latest one under
    which it was written, and not the only one if it is ``mixed``.
    """

    run_id: str
    owner: int
    prompt_ids: tuple[int, ...]
    params: SamplingParams
    private: bool
    steps: tuple[Step, ...]
    by_hand: tuple[int, ...]
    mixed: bool
    finish_reason: FinishReason
    fingerprint: Fingerprint
    asked_at: float
    parent: str | None
    group: str | None = None
    sources: frozenset[int] = frozenset()

    @property
    def token_ids(self) -> tuple[int, ...]:
        return token_ids(self.steps)

    def most_surprising(self) -> int:
        """The position of the token that the model found least likely."""
        return min(range(len(self.steps)), key=lambda position: self.steps[position].chosen.logprob)

    def can_continue(self, context: int) -> bool:
        """Not after the end-of-text token, which begins an unrelated text, nor with a full context."""
        return self.finish_reason != "stop" and len(self.prompt_ids) + len(self.steps) < context

    def continued(self, *, owner: int, private: bool = False) -> CompletionJob:
        """As many tokens again, from where the text ends."""
        return self._child(owner, private, earlier=self.steps, by_hand=self.by_hand)

    def rerolled(self, *, owner: int, private: bool = False) -> CompletionJob:
        """The same prompt and settings under a new seed."""
        return replace(self._child(owner, private), params=structs.replace(self.params, seed=new_seed()))

    def forked(self, position: int, token_id: int, *, owner: int, private: bool = False) -> CompletionJob:
        """Another text from step ``position`` on, which takes one of the step's other candidates.

        LookupError if the run has no such step, or the step no such candidate
        after which a text could go on.
        """
        step = self.steps[position]
        chosen = _candidate(step, token_id, self.fingerprint.ends)
        job = self._child(
            owner,
            private,
            earlier=(*self.steps[:position], structs.replace(step, chosen=chosen)),
            by_hand=(*(number for number in self.by_hand if number < position), position),
        )
        return replace(job, is_fork=True)

    def again(self, *, owner: int) -> CompletionJob:
        """The same once more: all that the model wrote after the last token chosen by hand.

        NothingWritten if that is nothing.
        """
        kept = max(self.by_hand, default=-1) + 1
        if kept == len(self.steps):
            raise NothingWritten
        params = structs.replace(self.params, max_new_tokens=len(self.steps) - kept)
        return replace(
            self._child(owner, True, earlier=self.steps[:kept], by_hand=self.by_hand), params=params
        )

    def sources_for(self, owner: int) -> frozenset[int]:
        """The other people whose runs are in one that ``owner`` makes from this one."""
        return (self.sources | {self.owner}) - {owner}

    def _child(
        self, owner: int, private: bool, *, earlier: tuple[Step, ...] = (), by_hand: tuple[int, ...] = ()
    ) -> CompletionJob:
        return CompletionJob(
            run_id=new_run_id(),
            owner=owner,
            prompt_ids=self.prompt_ids,
            params=self.params,
            private=private,
            earlier=earlier,
            by_hand=by_hand,
            earlier_by=self.fingerprint if earlier else None,
            mixed=self.mixed and bool(earlier),
            parent=self.run_id,
            sources=self.sources_for(owner),
        )


def _candidate(step: Step, token_id: int, ends: tuple[int, ...]) -> Candidate:
    for candidate in (step.chosen, *step.candidates):
        if candidate.token_id == token_id and token_id not in ends:
            return candidate
    raise LookupError(f"the step has no candidate {token_id} to go on with")


def check_context(prompt_tokens: int, max_tokens: int, context: int) -> None:
    if prompt_tokens + max_tokens > context:
        raise ContextExceeded(prompt_tokens=prompt_tokens, max_tokens=max_tokens, context=context)


def warm_or_greedy(temperature: float) -> float:
    """``temperature``, or 0 if it is too small to divide by."""
    return temperature if temperature >= COLDEST else 0.0


def new_seed() -> int:
    return secrets.randbelow(MAX_SEED + 1)


def new_run_id() -> str:
    """16 hexadecimal digits that cannot be guessed."""
    return secrets.token_hex(8)
