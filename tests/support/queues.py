"""A queue with limits that a test names in part."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from bot.queue.limits import Limits
from bot.queue.queue import GenerationQueue
from bot.queue.runner import Model

_LIMITS = frozenset(field.name for field in fields(Limits))


def some_limits(**named: Any) -> Limits:
    return Limits(**{"max_running": 1, "max_waiting": 8, "per_person": 2, "deadline": 600.0, **named})


def queue_before(model: Model, **options: Any) -> GenerationQueue:
    """A queue before ``model``; ``options`` are limits and the queue's own."""
    limits = {name: value for name, value in options.items() if name in _LIMITS}
    others = {name: value for name, value in options.items() if name not in _LIMITS}
    return GenerationQueue(model, some_limits(**limits), **others)
