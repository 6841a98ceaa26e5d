"""The two addresses at which discord.py finds Discord."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import discord
import yarl

REST, GATEWAY = "FAKE_DISCORD_REST", "FAKE_DISCORD_GATEWAY"  # variables that tell a process of them


@dataclass(frozen=True, slots=True)
class Addresses:
    """``rest`` as ``http://host:port/api/v10``, ``gateway`` as ``ws://host:port/gateway/``."""

    rest: str
    gateway: str


_CURRENT: ContextVar[Addresses | None] = ContextVar("addresses", default=None)


class _Address:
    """An attribute of a class that is another for each context, so that several fakes can run at once."""

    def __init__(self, real: Any, told: Callable[[Addresses], Any]) -> None:
        self._real = real
        self._told = told

    def __get__(self, _instance: object, _owner: type) -> Any:
        current = _CURRENT.get()
        return self._real if current is None else self._told(current)


@contextmanager
def leading_to(addresses: Addresses) -> Iterator[None]:
    """discord.py finds Discord there, in this block and in the tasks that are started in it."""
    _let_differ(discord.http.Route, "BASE", lambda told: told.rest)
    _let_differ(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", lambda told: yarl.URL(told.gateway))
    token = _CURRENT.set(addresses)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def _let_differ(owner: type, name: str, told: Callable[[Addresses], Any]) -> None:
    if not isinstance(vars(owner)[name], _Address):
        setattr(owner, name, _Address(vars(owner)[name], told))
