"""The address of a database, read without touching it."""

from __future__ import annotations

from bot.store import sqlite
from bot.store.common import Address, unusable


def parsed(url: str) -> Address:
    """What ``url`` names; InvalidSetting, without any value, if that is no database of ours."""
    scheme, is_url, _ = url.partition("://")
    # The part behind the + is a driver of SQLAlchemy's; which one is used is our choice.
    kind = scheme.partition("+")[0].lower()
    if not is_url or any(character < " " or character == "\x7f" for character in url):
        raise unusable()
    if kind == "sqlite":
        return sqlite.parsed(url)
    if kind in ("postgresql", "postgres"):
        from bot.store import postgresql  # its driver, which SQLite does not need

        return postgresql.parsed(url)
    raise unusable()
