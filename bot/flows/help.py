"""/help: its pages, shown to one person."""

from __future__ import annotations

from bot import cards
from bot.cards import HelpCard
from bot.cards.help import Page
from bot.interactions.reply import Reply
from bot.services import Services


async def show_help(services: Services, page: Page, reply: Reply) -> None:
    """Show a page of the help, in the bot's own words."""
    content = HelpCard(page, days=services.runs.rounds.days)
    await reply.finish(cards.help_card(content), harmless=True)
