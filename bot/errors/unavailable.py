"""Why a request that is fine cannot be served now."""

from __future__ import annotations

from bot.errors.base import UnavailableError
from bot.errors.wording import at_most, count, seconds


class ModelLoading(UnavailableError):
    def __init__(self, progress: str) -> None:
        self.progress = progress

    @property
    def sentence(self) -> str:
        return f"The model is still loading ({self.progress}). Please try again in a moment."


def again(retry_after: float | None) -> str:
    return "when one finishes" if retry_after is None else f"in about {seconds(retry_after)}"


class QueueFull(UnavailableError):
    def __init__(self, *, waiting: int, retry_after: float) -> None:
        self.waiting = waiting
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        return (
            f"The queue is full: {count(self.waiting, 'request')} waiting. "
            f"Please try again {again(self.retry_after)}."
        )


class TooManyRequests(UnavailableError):
    """``retry_after`` is None where it is not known, as before anything was measured.

    ``stoppable`` says whether the person could end one of them.
    """

    def __init__(self, *, limit: int, retry_after: float | None, stoppable: bool = True) -> None:
        self.limit = limit
        self.retry_after = retry_after
        self.stoppable = stoppable

    @property
    def sentence(self) -> str:
        stop = ", or press Stop to end one" if self.stoppable else ""
        return (
            f"You already have {count(self.limit, 'request')} in progress. "
            f"Please try again {again(self.retry_after)}{stop}."
        )


class ServerBusy(UnavailableError):
    """As TooManyRequests, of all people of a server together."""

    def __init__(self, *, limit: int, retry_after: float | None) -> None:
        self.limit = limit
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        return (
            f"This server already has {count(self.limit, 'request')} in progress. "
            f"Please try again {again(self.retry_after)}."
        )


class TooSoon(UnavailableError):
    """Between the beginnings of two requests lie ``cooldown`` seconds, for a person or a server."""

    def __init__(self, *, cooldown: float, retry_after: float, of_server: bool) -> None:
        self.cooldown = cooldown
        self.retry_after = retry_after
        self.of_server = of_server

    @property
    def sentence(self) -> str:
        who = "This server" if self.of_server else "You"
        return (
            f"{who} can ask once every {seconds(self.cooldown)}. "
            f"Please try again in {at_most(self.retry_after)}."
        )


class DeadlineExceeded(UnavailableError):
    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds

    @property
    def sentence(self) -> str:
        return (
            f"This took longer than {seconds(self.seconds)}, so I stopped. "
            "Please try again; if the server is busy, ask for fewer tokens."
        )


class ShuttingDown(UnavailableError):
    @property
    def sentence(self) -> str:
        return "I'm restarting. Please try again in a minute."


class StoreUnavailable(UnavailableError):
    """``detail`` is for the log and is not shown."""

    def __init__(self, detail: str) -> None:
        self.detail = detail

    @property
    def sentence(self) -> str:
        return "I can't reach my database right now, so nothing was done. Please try again in a minute."


class GenerationFailed(UnavailableError):
    """``detail`` is for the log; it may name internals and is not shown."""

    def __init__(self, detail: str) -> None:
        self.detail = detail

    @property
    def sentence(self) -> str:
        return "The model failed on this request. Please try again."


class DiscordFailed(UnavailableError):
    """Discord, or the connection to it, did not take what the bot sent."""

    @property
    def sentence(self) -> str:
        return "Discord didn't accept my reply. Please try again."


class FileUnreadable(UnavailableError):
    """Discord, or the connection to it, did not give a message's file."""

    @property
    def sentence(self) -> str:
        return "I couldn't get this message's text file from Discord. Please try again."
