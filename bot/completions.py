"""``/complete`` without Discord: what is asked, what it became, how it goes on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from bot.errors import ContextExceeded
from bot.model.protocol import FinishReason, GenerationRequest, SamplingParams
from bot.updates import Completion

MAX_SEED = 2**32 - 1  # what transformers.set_seed takes


@dataclass(frozen=True, slots=True)
class CompletionJob:
    """A text to be continued. ``earlier_ids`` is what former runs have written of it."""

    run_id: str
    owner: int
    prompt_ids: tuple[int, ...]
    earlier_ids: tuple[int, ...]
    params: SamplingParams
    private: bool

    @property
    def request(self) -> GenerationRequest:
        """What the model is asked: earlier tokens are prompt, their draws are spent."""
        params = replace(self.params, skip_draws=len(self.earlier_ids))
        return GenerationRequest(self.run_id, self.prompt_ids + self.earlier_ids, params)

    def check(self, context: int) -> None:
        """ContextExceeded if prompt and new tokens do not fit the model's context."""
        check_context(len(self.request.prompt_ids), self.params.max_new_tokens, context)

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

    def continued(self, *, owner: int, context: int) -> CompletionJob:
        """As many tokens again, or as many as the context still has room for."""
        room = context - len(self.prompt_ids) - len(self.token_ids)
        params = replace(self.params, max_new_tokens=max(1, min(self.params.max_new_tokens, room)))
        return CompletionJob(new_run_id(), owner, self.prompt_ids, self.token_ids, params, self.private)

    def rerolled(self, *, owner: int) -> CompletionJob:
        """The same prompt and settings under a new seed."""
        params = replace(self.params, seed=new_seed())
        return CompletionJob(new_run_id(), owner, self.prompt_ids, (), params, self.private)


def check_context(prompt_tokens: int, max_tokens: int, context: int) -> None:
    if prompt_tokens + max_tokens > context:
        raise ContextExceeded(prompt_tokens=prompt_tokens, max_tokens=max_tokens, context=context)


def new_seed() -> int:
    return secrets.randbelow(MAX_SEED + 1)


def new_run_id() -> str:
    """16 hexadecimal digits that cannot be guessed."""
    return secrets.token_hex(8)
