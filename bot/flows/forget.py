"""Delete everything that is stored about a person, when they ask for it."""

from __future__ import annotations

from bot import cards
from bot.interactions.reply import Interaction, Reply
from bot.services import Services


async def forget(services: Services, interaction: Interaction) -> None:
    """Delete what the database has about the person and what the model keeps of texts; say how much."""
    reply = Reply(interaction, private=True)
    await reply.wait()
    forgotten = await services.runs.forget(interaction.user.id)
    services.generations.forget()
    await reply.finish(cards.forget(forgotten.runs, forgotten.votes, pending=forgotten.pending))
