"""The leaderboard of ``/guess``."""

from __future__ import annotations

from bot import cards
from bot.cards import LeaderboardCard
from bot.cards.pictures.bars import draw_bars
from bot.cards.scores import PICTURE
from bot.flows.attachments import drawn
from bot.interactions.names import display_names
from bot.interactions.reply import Interaction, Reply
from bot.services import Services


async def show_scores(services: Services, interaction: Interaction) -> None:
    """Show the server's leaderboard, to the person alone."""
    rounds, guild, person = services.runs.rounds, interaction.guild_id, interaction.user.id
    reply = Reply(interaction, private=True)
    await reply.acknowledge()
    scores = () if guild is None else await rounds.scores(guild)
    players = [score.person for _, score in cards.listed(scores, person)]
    names = await _names(services, interaction, players)
    content = LeaderboardCard(scores, person, rounds.days, names)
    bars = cards.leaderboard_bars(content)
    files = [await drawn(services, reply, PICTURE, draw_bars, bars)] if bars else []
    await reply.finish(cards.leaderboard(content), files=files)


async def _names(services: Services, interaction: Interaction, players: list[int]) -> dict[int, str]:
    """The players' names, without those that contain a blocked word: one must not withhold the whole card."""
    names, blocked = await display_names(interaction, players), services.rules.blocked
    return {person: name for person, name in names.items() if not blocked.in_text(name)}
