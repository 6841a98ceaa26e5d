"""Faults on the way to Discord and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tests.fakes.discord.refusals import Refusal
from tests.fakes.discord.requests import Request


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset before Discord executes the request, or after (``applied``)."""

    applied: bool = False


@dataclass(frozen=True, slots=True)
class Limited:
    """429. ``everywhere`` is the global limit; ``retry_after`` in seconds."""

    retry_after: float
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """5xx, before Discord executes the request or after (``applied``)."""

    status: int
    applied: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """One of Discord's error codes, such as 50013."""

    code: int

    def refusal(self) -> Refusal:
        return Refusal(self.code)


@dataclass(frozen=True, slots=True)
class Answered:
    """Something else answers in Discord's place: Cloudflare, a proxy, a network's sign-in page."""

    status: int
    body: str = "<html><title>Sorry</title></html>"
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer ever comes."""


RequestFault = Reset | Limited | Failed | Refused | Answered | Silent


def was_done(fault: object) -> bool:
    """Whether Discord executed the request although the bot saw it fail."""
    return isinstance(fault, (Reset, Failed)) and fault.applied


@dataclass(frozen=True, slots=True)
class EventFault:
    """``late`` is in seconds; ``copies`` is the number of duplicates."""

    late: float = 0.0
    copies: int = 0


class Faults(Protocol):
    """Decides what goes wrong with each request and each event."""

    def of_request(self, request: Request) -> RequestFault | None: ...

    def of_event(self, name: str) -> EventFault | None: ...


class NoFaults:
    def of_request(self, _request: Request) -> RequestFault | None:
        return None

    def of_event(self, _name: str) -> EventFault | None:
        return None


class Planned:
    """Gives ``faults`` in order to the requests of one method and path template; None is a success.

    Each event is followed by ``copies`` duplicates.
    """

    def __init__(
        self, method: str, template: str, faults: Iterable[RequestFault | None], *, copies: int = 0
    ) -> None:
        self._method = method
        self._template = template
        self._faults = iter(faults)
        self._copies = copies

    def of_request(self, request: Request) -> RequestFault | None:
        if (request.method, request.template) != (self._method, self._template):
            return None
        return next(self._faults, None)

    def of_event(self, _name: str) -> EventFault | None:
        return EventFault(copies=self._copies)
