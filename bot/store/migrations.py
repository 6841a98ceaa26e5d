"""The tables of a new database, and what brings an older one forward: Alembic's revisions, without its files.

A database is older, current or newer by its revision, and newer by its schema, too: the number that bots from
before there were revisions look at. It stays where such a bot can pass over what was added.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select

from bot.errors import DatabaseNewer
from bot.store.tables import metadata, revisions, runs, versions

# Raise it with every change to a table, or to what a JSON column holds, that an older bot cannot pass over.
SCHEMA = 1
# Every revision, the oldest first: named here so that Alembic is loaded only to bring a database forward.
REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")
NEWEST = REVISIONS[-1]

_FOLDER = Path(__file__).parent / "revisions"


@dataclass(frozen=True, slots=True)
class State:
    """What a database is; ``revision`` is None for a new one, and for one older than all revisions."""

    revision: str | None
    schema: int | None
    is_new: bool

    @property
    def is_current(self) -> bool:
        return self.revision == NEWEST and not self.is_new and self.schema is not None

    @property
    def title(self) -> str:
        """What to call it in a sentence."""
        if self.is_new:
            return "nothing"
        return f"schema {self.schema or SCHEMA}" if self.revision is None else f"revision {self.revision}"


def state_of(connection: Connection) -> State:
    """Read only; DatabaseNewer if this bot must leave the database alone."""
    tables = set(inspect(connection).get_table_names())
    schema = connection.scalar(select(versions.c.schema)) if versions.name in tables else None
    if schema not in (None, SCHEMA):
        raise DatabaseNewer(str(schema), known=str(SCHEMA))
    revision = connection.scalar(select(revisions.c.version_num)) if revisions.name in tables else None
    if revision not in (None, *REVISIONS):
        raise DatabaseNewer(revision, known=NEWEST)
    return State(revision, schema, is_new=runs.name not in tables)


def load() -> None:
    """Import what brings an older database forward: it takes a moment, so not while a lock is held."""
    import alembic.operations
    import alembic.runtime.migration
    import alembic.script  # noqa: F401


def bring_forward(connection: Connection) -> State:
    """Make the tables of a new database, or apply the revisions that an older one lacks; return what it was.

    In the connection's transaction, which must be the only one that does so. DatabaseNewer.
    """
    before = state_of(connection)
    if before.is_new:
        _make(connection, before)
    elif not before.is_current:
        _apply(connection, before)
    return before


def _make(connection: Connection, before: State) -> None:
    metadata.create_all(connection)
    if before.schema is None:
        connection.execute(insert(versions).values(schema=SCHEMA))
    if before.revision is None:
        connection.execute(insert(revisions).values(version_num=NEWEST))
    else:
        connection.execute(revisions.update().values(version_num=NEWEST))


def _apply(connection: Connection, before: State) -> None:
    from alembic.operations import Operations  # a new or a current database does without
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(_FOLDER, version_locations=[_FOLDER])
    missing = tuple(scripts.iterate_revisions(NEWEST, before.revision))
    steps = [RevisionStep.upgrade_from_script(scripts.revision_map, script) for script in reversed(missing)]
    context = MigrationContext.configure(connection, opts={"fn": lambda _revision, _context: steps})
    with Operations.context(context):
        context.run_migrations()
