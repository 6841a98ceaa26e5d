"""/model: show what is loaded, and how busy it is."""

from __future__ import annotations

from bot import cards
from bot.cards import Audience, ModelCard
from bot.interactions.reply import Reply
from bot.services import Services


async def show_model(services: Services, reply: Reply) -> None:
    generations = services.generations
    content = ModelCard(generations.model, generations.load, Audience(reply.asker.person, reply.private))
    await reply.show(cards.model(content))
