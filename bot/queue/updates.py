"""What a reader learns about a request, as frozen data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import TokenwiseError, UnavailableError, Withheld
from bot.model.protocol import Capacity, FinishReason, Step


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model wrote, token by token."""

    steps: tuple[Step, ...]
    finish_reason: FinishReason

    @property
    def token_ids(self) -> tuple[int, ...]:
        return token_ids(self.steps)


def token_ids(steps: Iterable[Step]) -> tuple[int, ...]:
    """The token chosen at each step."""
    return tuple(step.chosen.token_id for step in steps)


@dataclass(frozen=True, slots=True)
class Warming:
    """Waiting at ``position``, where 1 is next, for a model that is loading.

    ``progress`` says how far that is, in words.
    """

    position: int
    progress: str


@dataclass(frozen=True, slots=True)
class Queued:
    """Waiting at ``position``, where 1 is next.

    ``eta`` is the seconds until it starts, None before any step was measured.
    """

    position: int
    eta: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Running, with every step so far; none at first."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """Over, after running for ``seconds``; time in the queue does not count."""

    completion: Completion
    seconds: float


Update = Queued | Progress | Finished
Outcome = Finished | TokenwiseError
News = Update | UnavailableError | Withheld  # the latest state of a request; an error ends it, too


def is_over(news: News) -> bool:
    return isinstance(news, (Finished, UnavailableError, Withheld))


@dataclass(frozen=True, slots=True)
class Speed:
    """``tokens`` were written; the time that each took its text adds up to ``seconds``, which is above 0."""

    tokens: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Tokens a second in one text."""
        return self.tokens / self.seconds


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the model is.

    ``pace`` is the recent seconds per token of one text, None before any was written; ``speed`` is that of
    the last minutes, None if nothing was written in them. ``capacity`` is that of a model service, None for
    a worker of the bot's own.
    """

    running: int
    waiting: int
    pace: float | None
    speed: Speed | None = None
    capacity: Capacity | None = None
