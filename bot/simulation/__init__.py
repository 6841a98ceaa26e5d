"""The bot in a simulated Discord (SimCord): for the playground, ``try`` and the tests.

Everything that knows SimCord is here and in what imports this package; the bot
itself does not know where it runs.
"""

from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World, simulated

__all__ = ["SimulatedGenerations", "World", "simulated"]
