"""``/complete`` without Discord: what is asked, what it became, how it goes on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from bot.errors import ContextExceeded
from bot.model.protocol import MAX_SEED, FinishReason, GenerationRequest, SamplingParams
from bot.updates import Completion

# Below it the logits divided by the temperature overflow; the likeliest token
# has had all the probability for long.
COLDEST = 1e-6


@dataclass(frozen=True, slots=True)
class CompletionJob:
    """A text to be continued. ``earlier_ids`` is what former runs have written of it."""

    run_id: str
    owner: int
    prompt_ids: tuple[int, ...]
    earlier_ids: tuple[int, ...]
    params: SamplingParams
    private: bool

    def request(self, context: int) -> GenerationRequest:
        """What the model is asked: to go on behind the earlier tokens.

        A text that is gone on with takes as many new tokens as there is room
        for. ContextExceeded if the asked ones, or in that case any, do not fit.
        """
        ids = self.prompt_ids + self.earlier_ids
        asked = self.params.max_new_tokens
        if self.earlier_ids:
            asked = max(1, min(asked, context - len(ids)))
        check_context(len(ids), asked, context)
        params = replace(self.params, max_new_tokens=asked)
        return GenerationRequest(self.run_id, ids, params, generated=len(self.earlier_ids))

    def finished(self, completion: Completion) -> CompletionRun:
        return CompletionRun(
            run_id=self.run_id,
            owner=self.owner,
            prompt_ids=self.prompt_ids,
            token_ids=self.earlier_ids + completion.token_ids,
            finish_reason=completion.finish_reason,
            params=self.params,
            private=self.private,
        )


@dataclass(frozen=True, slots=True)
class CompletionRun:
    """A finished job: enough to go on from it, or to roll it again."""

    run_id: str
    owner: int
    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    finish_reason: FinishReason
    params: SamplingParams
    private: bool

    def can_continue(self, context: int) -> bool:
        """Not after the end-of-text token, which begins an unrelated text, nor without room."""
        return self.finish_reason != "stop" and len(self.prompt_ids) + len(self.token_ids) < context

    def continued(self, *, owner: int) -> CompletionJob:
        """As many tokens again, from where the text stands."""
        return CompletionJob(new_run_id(), owner, self.prompt_ids, self.token_ids, self.params, self.private)

    def rerolled(self, *, owner: int) -> CompletionJob:
        """The same prompt and settings under a new seed."""
        params = replace(self.params, seed=new_seed())
        return CompletionJob(new_run_id(), owner, self.prompt_ids, (), params, self.private)


def check_context(prompt_tokens: int, max_tokens: int, context: int) -> None:
    if prompt_tokens + max_tokens > context:
        raise ContextExceeded(prompt_tokens=prompt_tokens, max_tokens=max_tokens, context=context)


def warm_or_greedy(temperature: float) -> float:
    """``temperature``, or 0 where it is too small to divide by."""
    return temperature if temperature >= COLDEST else 0.0


def new_seed() -> int:
    return secrets.randbelow(MAX_SEED + 1)


def new_run_id() -> str:
    """16 hexadecimal digits that cannot be guessed."""
    return secrets.token_hex(8)
