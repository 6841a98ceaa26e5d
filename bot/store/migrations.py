"""The tables in a new database, and what an older bot's lacks."""

from __future__ import annotations

from sqlalchemy import Connection, Select, insert, inspect, select

from bot.store.tables import metadata, runs, sources


def make_tables(connection: Connection) -> None:
    """Those that are missing; and in ``sources`` what is known of the runs that are older than it."""
    there = set(inspect(connection).get_table_names())
    metadata.create_all(connection)
    if runs.name in there and sources.name not in there:
        connection.execute(insert(sources).from_select(["run_id", "person"], _ancestors()))


def _ancestors() -> Select[tuple[str, int]]:
    """Every run with each person beside its owner who has one from which it comes.

    Also where it only began on their card: of such an old run it is not known.
    """
    parent = runs.alias()
    line = (
        select(runs.c.run_id, parent.c.owner, parent.c.parent)
        .join_from(runs, parent, runs.c.parent == parent.c.run_id)
        .cte(recursive=True)
    )
    line = line.union(
        select(line.c.run_id, parent.c.owner, parent.c.parent).join_from(
            line, parent, line.c.parent == parent.c.run_id
        )
    )
    return (
        select(line.c.run_id, line.c.owner)
        .distinct()
        .join_from(line, runs, line.c.run_id == runs.c.run_id)
        .where(line.c.owner != runs.c.owner)
    )
