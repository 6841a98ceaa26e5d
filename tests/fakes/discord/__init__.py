"""A Discord on loopback: REST and gateway over real sockets, for the real bot with the real discord.py.

async with FakeDiscord.opened() as discord, discord.bot() as bot:
    await discord.joined()
    ada, channel = discord.person("ada"), discord.channel()
    interaction = discord.slash(ada, channel, "next", prompt="London was")
    await interaction.settled()
    assert interaction.latency < 3 and not discord.violations
"""

from tests.fakes.discord.addresses import Addresses, leading_to
from tests.fakes.discord.components import texts
from tests.fakes.discord.interaction import CallbackType, Interaction, InteractionType, is_final
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.state import Channel, Flag, Guild, Message, Person

__all__ = [
    "Addresses",
    "CallbackType",
    "Channel",
    "FakeDiscord",
    "Flag",
    "Guild",
    "Interaction",
    "InteractionType",
    "Message",
    "Person",
    "is_final",
    "leading_to",
    "texts",
]
