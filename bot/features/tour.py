"""The run that a tour is about, and what its stations ask the model. Pure.

A tour is a completion at temperature 1, so the probabilities on its cards are the model's own. It is drawn
among as many tokens as ``/complete`` draws from. Its run has what most stations show; three need another
request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec.structs import replace as replaced

from bot.errors import BlankText, InvalidSeed
from bot.features.complete import CompletionJob, CompletionRun, new_run_id
from bot.features.examples import SENTENCE
from bot.model.protocol import MAX_SEED, GenerationRequest, SamplingParams
from bot.text.numbers import whole_number

EXAMPLE = SENTENCE
# How many tokens are written, if there is room for them.
REPEATED = 16
_TEMPERATURE, _TOP_K = 1.0, 50
# What the tour's own temperature is compared with.
_OTHER_TEMPERATURES = (0.5, 1.5)


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
    """Return the job that writes a tour's text; ``parent`` is the tour it was started from.

    ``made_from_it`` says whether the prompt is, or contains, the parent's.
    """
    room = max(1, min(REPEATED, context - len(prompt_ids)))
    params = SamplingParams(max_new_tokens=room, temperature=_TEMPERATURE, top_k=_TOP_K, top_p=1.0, seed=seed)
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
    """Copy a tour as a private one of ``owner``'s."""
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
    """Ask for the row of logits after each prompt token but the last.

    None for a prompt of one token: the run itself has the last row.
    """
    if len(run.prompt_ids) < 2:
        return None
    return GenerationRequest(new_run_id(), run.prompt_ids, run.params, scored=True)


def reshaping(run: CompletionRun) -> list[GenerationRequest]:
    """Ask for the step right after the text at other temperatures; each draws the top guess."""
    step = replaced(run.params, max_new_tokens=1, top_k=1)
    return [
        GenerationRequest(new_run_id(), run.prompt_ids, replaced(step, temperature=temperature))
        for temperature in _OTHER_TEMPERATURES
    ]


def agreeing(before: Sequence[int], again: Sequence[int]) -> int:
    """Count the tokens that two texts have in common from the start."""
    for place, (one, other) in enumerate(zip(before, again, strict=False)):
        if one != other:
            return place
    return min(len(before), len(again))


def text_of(typed: str) -> str:
    """Return the text that someone typed; BlankText if it is blank."""
    if not typed.strip():
        raise BlankText("text")
    return typed


def seed_of(typed: str, *, otherwise: int) -> int:
    """Return the seed that someone typed, ``otherwise`` if it is blank; InvalidSeed if it isn't one."""
    if not typed.strip():
        return otherwise
    seed = whole_number(typed, highest=MAX_SEED)
    if seed is None:
        raise InvalidSeed(typed, highest=MAX_SEED)
    return seed
