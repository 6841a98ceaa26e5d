"""The two addresses at which discord.py finds Discord."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import discord
import yarl

REST, GATEWAY = "FAKE_DISCORD_REST", "FAKE_DISCORD_GATEWAY"  # variables that pass them to a process


@dataclass(frozen=True, slots=True)
class Addresses:
    """``rest`` as ``http://host:port/api/v10``, ``gateway`` as ``ws://host:port/gateway/``."""

    rest: str
    gateway: str


_CURRENT: ContextVar[Addresses | None] = ContextVar("addresses", default=None)


class _Address:
    """A class attribute whose value depends on the context, so that several fakes can run at once."""

    def __init__(self, real: Any, choose: Callable[[Addresses], Any]) -> None:
        self._real = real
        self._choose = choose

    def __get__(self, _instance: object, _owner: type) -> Any:
        current = _CURRENT.get()
        return self._real if current is None else self._choose(current)


@contextmanager
def leading_to(addresses: Addresses) -> Iterator[None]:
    """Lead discord.py to ``addresses``, in this block and in tasks started in it."""
    _make_variable(discord.http.Route, "BASE", lambda current: current.rest)
    _make_variable(
        discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", lambda current: yarl.URL(current.gateway)
    )
    token = _CURRENT.set(addresses)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def _make_variable(owner: type, name: str, choose: Callable[[Addresses], Any]) -> None:
    if not isinstance(vars(owner)[name], _Address):
        setattr(owner, name, _Address(vars(owner)[name], choose))
