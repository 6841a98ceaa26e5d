"""A Discord on loopback: REST and gateway over real sockets, for the real bot with the real discord.py.

async with FakeDiscord.opened() as discord, discord.bot() as bot:
    await discord.joined()
    ada, channel = discord.person("ada"), discord.channel()
    asked = discord.slash(ada, channel, "next", prompt="London was")
    await asked.settled()
    assert asked.latency < 3 and not discord.violations
"""

from tests.fakes.discord.addresses import Addresses, leading_to
from tests.fakes.discord.asked import Ask, Asked, Callback, is_final
from tests.fakes.discord.components import texts
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.state import Channel, Flag, Guild, Message, Person

__all__ = [
    "Addresses",
    "Ask",
    "Asked",
    "Callback",
    "Channel",
    "FakeDiscord",
    "Flag",
    "Guild",
    "Message",
    "Person",
    "is_final",
    "leading_to",
    "texts",
]
