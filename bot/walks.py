"""``/next`` without Discord: a sentence walked token by token."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.completions import check_context, new_run_id
from bot.model.protocol import GenerationRequest, SamplingParams


@dataclass(frozen=True, slots=True)
class Walk:
    """One state of a walk; every press makes a new one, so no press is done twice.

    Draw number n of the seed chooses token number n of the walk, whoever chose
    the tokens before it: a walk of draws alone is the ``/complete`` of its seed
    (with top-k and top-p off).
    """

    run_id: str
    owner: int
    prompt_ids: tuple[int, ...]
    appended_ids: tuple[int, ...]
    temperature: float
    seed: int

    @property
    def request(self) -> GenerationRequest:
        """One step of the model after the text so far."""
        params = SamplingParams(
            max_new_tokens=1,
            temperature=self.temperature,
            top_k=0,
            top_p=1.0,
            seed=self.seed,
        )
        return GenerationRequest(
            self.run_id, self.prompt_ids + self.appended_ids, params, generated=len(self.appended_ids)
        )

    def check(self, context: int) -> None:
        """ContextExceeded if there is no room for one more token."""
        check_context(len(self.request.prompt_ids), 1, context)

    def append(self, token_id: int, *, owner: int) -> Walk:
        return replace(self, run_id=new_run_id(), owner=owner, appended_ids=(*self.appended_ids, token_id))

    def undo(self, *, owner: int) -> Walk:
        return replace(self, run_id=new_run_id(), owner=owner, appended_ids=self.appended_ids[:-1])
