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


class QueueFull(UnavailableError):
    def __init__(self, *, waiting: int, retry_after: float) -> None:
        self.waiting = waiting
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        return (
            f"The queue is full: {count(self.waiting, 'request')} waiting. "
            f"Please try again in about {seconds(self.retry_after)}."
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
        when = "" if self.retry_after is None else f", in about {seconds(self.retry_after)}"
        stop = ", or press Stop on a text that is being written" if self.stoppable else ""
        return (
            f"You already have {count(self.limit, 'request')} in progress. "
            f"Wait until one is finished{when}{stop}."
        )


class ServerBusy(UnavailableError):
    """As TooManyRequests, of all people of a server together."""

    def __init__(self, *, limit: int, retry_after: float | None) -> None:
        self.limit = limit
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        when = "when one is finished"
        if self.retry_after is not None:
            when = f"in about {seconds(self.retry_after)}, {when}"
        requests = count(self.limit, "request")
        return f"This server already has {requests} in progress. Please try again {when}."


class TooSoon(UnavailableError):
    """Between the beginnings of two requests lie ``cooldown`` seconds, for a person or a server."""

    def __init__(self, *, cooldown: float, retry_after: float, of_server: bool) -> None:
        self.cooldown = cooldown
        self.retry_after = retry_after
        self.of_server = of_server

    @property
    def sentence(self) -> str:
        who = "This server can ask" if self.of_server else "You can ask"
        return f"{who} once in {seconds(self.cooldown)}. Please try again in {at_most(self.retry_after)}."


class DeadlineExceeded(UnavailableError):
    def __init__(self, *, seconds: float) -> None:
        self.seconds = seconds

    @property
    def sentence(self) -> str:
        return (
            f"This took longer than {seconds(self.seconds)}, so it was given up. "
            "Please try again, with fewer tokens if the server is busy."
        )


class ShuttingDown(UnavailableError):
    @property
    def sentence(self) -> str:
        return "The bot is restarting. Please try again in a minute."


class StoreUnavailable(UnavailableError):
    """``detail`` is for the log and is not shown."""

    def __init__(self, detail: str) -> None:
        self.detail = detail

    @property
    def sentence(self) -> str:
        return "The database cannot be reached right now, so nothing was done. Please try again in a minute."


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
        return "Discord did not let my answer through. Please try again."


class FileUnreadable(UnavailableError):
    """Discord, or the connection to it, did not give a message's file."""

    @property
    def sentence(self) -> str:
        return "Discord did not let me read the text file of this message. Please try again."
