"""Requests to a scripted model, and what it writes for them."""

from __future__ import annotations

from bot.model.protocol import Ended, GenerationRequest, SamplingParams, Stepped
from tests.fakes.scripted_worker import scripted_step


def a_request(name: str = "a", *, first: int = 1, steps: int = 6, seed: int = 0) -> GenerationRequest:
    return GenerationRequest(name, (first, 2, 3), SamplingParams(max_new_tokens=steps, seed=seed))


def undisturbed(request: GenerationRequest) -> list[Stepped | Ended]:
    """All events of ``request`` where nothing happens to the model."""
    name, count = request.request_id, request.params.max_new_tokens
    steps = [Stepped(name, index, scripted_step(request, index)) for index in range(count)]
    return [*steps, Ended(name, "length")]
