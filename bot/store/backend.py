"""What each kind of database offers, and what SQLite and PostgreSQL share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.errors import InvalidSetting, StoreUnavailable

# Seconds to wait for a file that another process has locked, or for a server. Discord
# has its acknowledgement by then, but a person is waiting for a card.
PATIENCE = 2.0
# Seconds to wait for a free connection: a whole channel may vote at once.
_TURN = 3.0


class Address(Protocol):
    """A DATABASE_URL that the bot can read."""

    @property
    def driver(self) -> str:
        """As SQLAlchemy calls it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be logged, in each spelling."""

    async def check(self) -> None:
        """InvalidSetting if part of it can never work. The database need not exist yet."""

    def exists(self) -> bool:
        """False if it is certain that no database is there yet, which opening it would make."""

    def engine(self) -> AsyncEngine: ...


def unusable(problem: str = "is not a database address") -> InvalidSetting:
    """``problem`` quotes no value: the address may hold a password."""
    return InvalidSetting(
        "DATABASE_URL",
        problem=problem,
        allowed="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
    )


def _read_json(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):  # SQLite lets any value into any column
        raise StoreUnavailable("a row is damaged: no JSON where some should be") from None


ENGINE_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "json_deserializer": _read_json,
        "hide_parameters": True,  # an error, and so the log, must not quote what people wrote
        "pool_timeout": _TURN,
    }
)
