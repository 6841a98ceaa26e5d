"""Made-up runs, of the kind that the model makes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.features.complete import CompletionRun
from bot.features.next import Walk, WalkRun
from bot.model.model_info import Fingerprint
from bot.model.protocol import Candidate, SamplingParams, Step
from bot.queue.updates import Completion

# Of a text that is older than engine 4.
FINGERPRINT = Fingerprint(
    weights="0f" * 32, precision="float32", processor="AVX512", torch="2.13.0+cpu", engine=3
)
ADA, GRACE = 815, 4711
NOON = 1_790_000_000.0  # seconds since 1970
LONDON_WAS = (23421, 373)


def candidate(token_id: int, *, rank: int = 1, logprob: float = -0.5, logit: float = 2.25) -> Candidate:
    return Candidate(token_id, logit, logprob, rank)


def step(token_id: int, *, rank: int = 1, logprob: float = -0.5) -> Step:
    """A step that chose ``token_id``; the other candidates have the next ids, in order of rank."""
    chosen = candidate(token_id, rank=rank, logprob=logprob)
    others = [candidate(token_id + place, rank=place, logprob=-0.5 * place) for place in range(1, 6)]
    if rank <= len(others):
        others[rank - 1] = chosen
    return Step(chosen, tuple(others), 1.5)


def completion_run(run_id: str = "a" * 16, *token_ids: int, **changes: Any) -> CompletionRun:
    """A completion of "London was" by Ada that wrote ``token_ids``."""
    steps = tuple(step(token_id) for token_id in token_ids or (530, 286))
    settings: dict[str, Any] = {
        "owner": ADA,
        "prompt_ids": LONDON_WAS,
        "params": SamplingParams(max_new_tokens=len(steps), seed=42),
        "private": False,
        "steps": steps,
        "by_hand": (),
        "mixed": False,
        "finish_reason": "length",
        "fingerprint": FINGERPRINT,
        "asked_at": NOON,
        "parent": None,
    }
    return CompletionRun(run_id, **{**settings, **changes})


def walk_run(run_id: str = "b" * 16, *appended: int, asked_at: float = NOON, **changes: Any) -> WalkRun:
    """A state of Ada's walk that began with "London was"."""
    settings: dict[str, Any] = {
        "owner": ADA,
        "prompt_ids": LONDON_WAS,
        "appended_ids": appended,
        "temperature": 1.0,
        "seed": 7,
    }
    return WalkRun(Walk(run_id, **{**settings, **changes}), step(530), FINGERPRINT, asked_at)


def made_from(run: CompletionRun, run_id: str, *, owner: int, asked_at: float = NOON) -> CompletionRun:
    """A run that another person's press derived from ``run``."""
    job = replace(run.rerolled(owner=owner), run_id=run_id)
    return job.finished(Completion(run.steps, "length"), fingerprint=FINGERPRINT, asked_at=asked_at)
