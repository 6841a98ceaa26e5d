"""What a message in a text's stream cannot say, whatever the model.

What is wrong on its way to a card would be wrong there, or break what draws it; so a replica that says it is
broken, as one is whose connection breaks.
"""

from __future__ import annotations

import math

from bot.model.protocol import Candidate, Ended, GenerationRequest, Rejected, Stepped


def fault(message: Stepped | Ended | Rejected, request: GenerationRequest, *, vocabulary: int) -> str | None:
    """What is wrong with it, if anything, as an answer to ``request`` by a model of ``vocabulary`` tokens."""
    if message.request_id != request.request_id:
        return "something of another text"
    if not isinstance(message, Stepped):
        return None
    if message.index >= request.steps:
        return "more steps than were asked for"
    step = message.step
    if len(step.candidates) > request.params.candidates:
        return "more candidates than were asked for"
    if not all(_can_be(each, vocabulary) for each in (step.chosen, *step.candidates)):
        return "a token that cannot be"
    return None if 0 <= step.entropy < math.inf else "an entropy that cannot be"


def _can_be(candidate: Candidate, vocabulary: int) -> bool:
    # Rounding may leave a probability a little above 1. Nothing is less than a number that is none.
    return candidate.token_id < vocabulary and candidate.logprob < 1 and not math.isnan(candidate.logit)
