"""Everything that is stored of a person goes, at their word."""

from __future__ import annotations

from bot import cards
from bot.interactions.reply import Interaction, Reply
from bot.services import Services


async def forget(services: Services, interaction: Interaction) -> None:
    """Delete what is stored of the person, what the model keeps of texts too, and say how much it was."""
    reply = Reply(interaction, private=True)
    await reply.wait()
    forgotten = await services.runs.forget(interaction.user.id)
    services.generations.forget()
    await reply.finish(cards.forget(forgotten.runs, forgotten.votes, pending=forgotten.pending))
