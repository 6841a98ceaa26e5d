"""Queues with default limits that a test can override."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from bot.playground.real_time import SimulatedGenerations
from bot.playground.world import World
from bot.queue.limits import Limits
from bot.queue.queue import GenerationQueue
from bot.queue.runner import Model

_LIMITS = frozenset(field.name for field in fields(Limits))


def some_limits(**named: Any) -> Limits:
    return Limits(**{"max_running": 1, "max_waiting": 8, "per_person": 2, "deadline": 600.0, **named})


def queue_before(model: Model, **options: Any) -> GenerationQueue:
    """A queue for ``model``; ``options`` are limits and options of the queue."""
    limits = {name: value for name, value in options.items() if name in _LIMITS}
    others = {name: value for name, value in options.items() if name not in _LIMITS}
    return GenerationQueue(model, some_limits(**limits), **others)


def queue_of(world: World) -> GenerationQueue:
    """The queue behind the bot of a simulated Discord."""
    generations = world.bot.services.generations
    assert isinstance(generations, SimulatedGenerations)
    assert isinstance(generations._inner, GenerationQueue)
    return generations._inner
