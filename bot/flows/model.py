"""/model: show what is loaded, and how busy it is."""

from __future__ import annotations

from bot import cards
from bot.cards import Audience, ModelCard
from bot.cards.model import HEADING, NOTES, PICTURE
from bot.cards.pictures.log_bars import draw_log_bars
from bot.flows.attachments import drawn
from bot.flows.warm_up import ready_model
from bot.interactions.reply import Reply
from bot.services import Services


async def show_model(services: Services, reply: Reply) -> None:
    content = await _content(services, reply)
    await reply.wait()
    groups = cards.model_bars(content)
    bars = await drawn(services, reply, PICTURE, draw_log_bars, groups, HEADING, NOTES)
    await reply.finish(cards.model(content), files=[bars])


async def show_numbers(services: Services, reply: Reply) -> None:
    """Show how the model runs on this machine, to the person alone."""
    await reply.show(cards.model_numbers(await _content(services, reply)))


async def _content(services: Services, reply: Reply) -> ModelCard:
    model = await ready_model(services, reply)
    return ModelCard(model, services.generations.load, Audience(reply.asker.person, reply.private))
