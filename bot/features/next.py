"""``/next`` without Discord: a sentence walked token by token."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.features.complete import CompletionRun, check_context, new_run_id
from bot.model.model_info import Fingerprint
from bot.model.protocol import GenerationRequest, SamplingParams, Step


@dataclass(frozen=True, slots=True)
class Walk:
    """One state of a walk; every press makes a new one, so no press is done twice.

    Draw number n of the seed chooses token number n of the walk, even after tokens that a person
    chose: a walk of draws alone is the ``/complete`` of its seed (with top-p off).
    ``parent`` is the state that it came from, ``sources`` are the people other than its owner who
    walked there; ``candidates`` is how many of the most likely tokens its table has, and a draw is among
    the ``top_k`` most likely (0: among all).
    """

    run_id: str
    owner: int
    prompt_ids: tuple[int, ...]
    appended_ids: tuple[int, ...]
    temperature: float
    seed: int
    private: bool = False
    parent: str | None = None
    candidates: int = 5
    top_k: int = 0
    sources: frozenset[int] = frozenset()

    @property
    def params(self) -> SamplingParams:
        return SamplingParams(
            max_new_tokens=1,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=1.0,
            seed=self.seed,
            candidates=self.candidates,
        )

    @property
    def request(self) -> GenerationRequest:
        """One step of the model after the text so far."""
        return GenerationRequest(
            self.run_id, self.prompt_ids + self.appended_ids, self.params, generated=len(self.appended_ids)
        )

    def check(self, context: int) -> None:
        """ContextExceeded if there is no room for one more token."""
        check_context(len(self.request.prompt_ids), 1, context)

    def append(self, token_id: int, *, owner: int, private: bool = False) -> Walk:
        return self._moved((*self.appended_ids, token_id), owner, private)

    def undo(self, *, owner: int, private: bool = False) -> Walk:
        return self._moved(self.appended_ids[:-1], owner, private)

    def _moved(self, appended_ids: tuple[int, ...], owner: int, private: bool) -> Walk:
        return replace(
            self,
            run_id=new_run_id(),
            owner=owner,
            appended_ids=appended_ids,
            private=private,
            parent=self.run_id,
            sources=(self.sources | {self.owner}) - {owner},
        )


def walk_of(run: CompletionRun, *, owner: int, private: bool) -> Walk:
    """Begin a walk at a text's prompt; its draws are those of the text."""
    return Walk(
        run_id=new_run_id(),
        owner=owner,
        prompt_ids=run.prompt_ids,
        appended_ids=(),
        temperature=run.params.temperature,
        seed=run.params.seed,
        private=private,
        parent=run.run_id,
        top_k=run.params.top_k,
        sources=run.sources_for(owner),
    )


@dataclass(frozen=True, slots=True)
class WalkRun:
    """A walk's state with the model's table after it.

    ``asked_at`` is in seconds since 1970.
    """

    walk: Walk
    step: Step
    fingerprint: Fingerprint
    asked_at: float

    @property
    def run_id(self) -> str:
        return self.walk.run_id

    @property
    def owner(self) -> int:
        return self.walk.owner

    @property
    def parent(self) -> str | None:
        return self.walk.parent

    @property
    def sources(self) -> frozenset[int]:
        return self.walk.sources
