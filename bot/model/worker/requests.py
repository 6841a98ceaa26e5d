"""Which requests a model can serve."""

from __future__ import annotations

from bot.model.protocol import GenerationRequest
from bot.model.worker.sampling import problem


def unservable(request: GenerationRequest, *, vocabulary: int, context: int) -> str | None:
    """Why a model of so many tokens and positions cannot serve ``request``, in words for the log, or None."""
    if not request.prompt_ids:
        return "the prompt is empty"
    if not all(0 <= token_id < vocabulary for token_id in request.prompt_ids):
        return f"the prompt has an id that is not from 0 to {vocabulary - 1}"
    if not 0 <= request.generated < len(request.prompt_ids):
        return "generated is not from 0 to one less than the prompt's length"
    if request.scored and len(request.prompt_ids) < 2:
        return "there is no second token to be scored"
    asked = len(request.prompt_ids) + (0 if request.scored else request.params.max_new_tokens)
    if asked > context:
        return f"the prompt and max_new_tokens make {asked} tokens; the context is {context}"
    return problem(request.params)
