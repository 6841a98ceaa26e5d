"""The address of a database, read without touching it."""

from __future__ import annotations

from bot.store import sqlite
from bot.store.backend import Address, unusable


def is_shared(url: str) -> bool:
    """Whether several processes may use the database at ``url`` at once; raises as :func:`parsed`."""
    return not isinstance(parsed(url), sqlite.SQLite)


def parsed(url: str) -> Address:
    """The address in ``url``; InvalidSetting, without any value, if it is not one the bot can use."""
    scheme, is_url, _ = url.partition("://")
    # The part after the + names a driver of SQLAlchemy's; the bot brings its own.
    kind = scheme.partition("+")[0].lower()
    if not is_url or any(character < " " or character == "\x7f" for character in url):
        raise unusable()
    if kind == "sqlite":
        return sqlite.parsed(url)
    if kind in ("postgresql", "postgres"):
        from bot.store import postgresql  # its driver, which SQLite does not need

        return postgresql.parsed(url)
    raise unusable()
