"""/model: show what is loaded, and how busy it is."""

from __future__ import annotations

from bot import cards
from bot.cards import Audience, ModelCard
from bot.flows.warm_up import ready_model
from bot.interactions.reply import Reply
from bot.services import Services


async def show_model(services: Services, reply: Reply) -> None:
    model = await ready_model(services, reply)
    load = services.generations.load
    content = ModelCard(model, load, Audience(reply.asker.person, reply.private))
    await reply.show(cards.model(content))
