"""The wait for a model that is loading, which comes first in every flow that asks it."""

from __future__ import annotations

from bot import cards
from bot.errors import ModelLoading
from bot.features.complete import new_run_id
from bot.interactions.reply import Interaction, Reply
from bot.interactions.responses import defer
from bot.model.model_info import ModelInfo
from bot.services import Services


async def ready_model(services: Services, reply: Reply, *, prompt: str = "", requests: int = 1) -> ModelInfo:
    """Return the loaded model; while it loads, hold a place in line for ``requests`` and show it.

    Call it before anything that depends on the model, such as splitting the ``prompt`` into tokens.
    Nothing that this reply asks of the model afterwards is refused for a limit.

    Raises ModelLoading at the deadline, Stopped, ModelUnusable if the model will never be ready, and
    what refuses a request at once.
    """
    generations = services.generations
    try:
        return generations.model
    except ModelLoading:
        pass
    key = new_run_id()
    async with (
        reply.restored(),
        generations.warm_up(asker=reply.asker, group=key, requests=requests) as updates,
    ):
        async for place in updates:
            await reply.keep_waiting(cards.warming_up(place, key, prompt=prompt))
    await reply.restore()
    reply.promise()
    return generations.model


async def stop(services: Services, key: str, interaction: Interaction) -> None:
    """Give up a place in line; NotYours, or NotRunning."""
    services.generations.cancel(key, owner=interaction.user.id)
    await defer(interaction)
