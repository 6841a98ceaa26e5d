"""``python -m bot migrate``: bring the database forward, or only say whether that is needed."""

from __future__ import annotations

from bot.errors import DatabaseUnreachable, StoreUnavailable
from bot.store.address import parsed
from bot.store.database import opened
from bot.store.migrations import NEWEST, State
from bot.system.exit_status import ExitStatus
from bot.system.terminal import say

_CURRENT = f"The database is up to date (revision {NEWEST})."


async def migrate(url: str, *, check: bool) -> ExitStatus:
    """OK if the database is up to date in the end; with ``check`` FAILED if it is older, and nothing changes.

    DatabaseNewer, DatabaseUnreachable.
    """
    if check and not parsed(url).exists():
        say(f"There is no database yet: the bot makes one, of revision {NEWEST}, when it starts.")
        return ExitStatus.FAILED
    async with opened(url) as database:
        try:
            found = await (database.state() if check else database.prepare())
        except StoreUnavailable as error:
            raise DatabaseUnreachable(error.detail) from None
    if found.is_current:
        say(_CURRENT)
        return ExitStatus.OK
    if not check:
        say(_migrated(found))
        return ExitStatus.OK
    say(
        f"The database has to be brought from {found.title} to revision {NEWEST}. Back it up, then run "
        '"python -m bot migrate", or start the bot, which does the same.'
    )
    return ExitStatus.FAILED


def _migrated(before: State) -> str:
    if before.is_new:
        return f"The database is made, of revision {NEWEST}."
    return f"The database was brought from {before.title} to revision {NEWEST}."
