"""``/tour`` without Discord: which run its stations are about, and what they ask the model.

A tour is a completion, drawn from all tokens at temperature 1: so the shares that
are shown are exactly the chances of the draw. Its run holds what most stations
show; two of them ask the model once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.errors import BlankText, InvalidSeed
from bot.features.complete import CompletionJob, CompletionRun, new_run_id
from bot.model.protocol import MAX_SEED, GenerationRequest, SamplingParams
from bot.text.numbers import whole_number

EXAMPLE = "London was"
# How many tokens are written, where there is room for them.
REPEATED = 16


def begun(
    prompt_ids: tuple[int, ...],
    *,
    seed: int,
    owner: int,
    private: bool,
    context: int,
    parent: CompletionRun | None = None,
    made_from_it: bool = False,
) -> CompletionJob:
    """The text of a tour, to be written; ``parent`` is that of the card on which it was asked for.

    ``made_from_it`` says whether its text is that one's, or holds it.
    """
    room = max(1, min(REPEATED, context - len(prompt_ids)))
    params = SamplingParams(max_new_tokens=room, temperature=1.0, top_k=0, top_p=1.0, seed=seed)
    return CompletionJob(
        new_run_id(),
        owner,
        prompt_ids,
        params,
        private,
        parent=parent.run_id if parent else None,
        sources=parent.sources_for(owner) if parent and made_from_it else frozenset(),
    )


def taken(run: CompletionRun, *, owner: int, now: float) -> CompletionRun:
    """The same tour as one of ``owner``'s own, which others do not see."""
    return replace(
        run,
        run_id=new_run_id(),
        owner=owner,
        private=True,
        asked_at=now,
        parent=run.run_id,
        sources=run.sources_for(owner),
    )


def reading(run: CompletionRun) -> GenerationRequest | None:
    """What gives the row of logits after each token of the prompt but the last.

    None for a prompt of one token: the row after the last one is the run's own.
    """
    if len(run.prompt_ids) < 2:
        return None
    return GenerationRequest(new_run_id(), run.prompt_ids, run.params, scored=True)


def agreeing(before: Sequence[int], again: Sequence[int]) -> int:
    """How many tokens two texts have in common from their beginning."""
    for place, (one, other) in enumerate(zip(before, again, strict=False)):
        if one != other:
            return place
    return min(len(before), len(again))


def text_of(typed: str) -> str:
    """What somebody typed as their own text; BlankText if that is nothing."""
    if not typed.strip():
        raise BlankText("text")
    return typed


def seed_of(typed: str, *, otherwise: int) -> int:
    """The seed that somebody typed, or ``otherwise`` for nothing; InvalidSeed if it is none."""
    if not typed.strip():
        return otherwise
    seed = whole_number(typed, highest=MAX_SEED)
    if seed is None:
        raise InvalidSeed(typed, highest=MAX_SEED)
    return seed
