"""The tables of a new database, and what is missing in an older bot's."""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    String,
    func,
    insert,
    inspect,
    literal_column,
    select,
    text,
    update,
)

from bot.store.tables import metadata, runs, sources


def make_tables(connection: Connection) -> None:
    """Make the tables and columns that are missing, and fill in what older runs reveal."""
    tables = set(inspect(connection).get_table_names())
    metadata.create_all(connection)
    if runs.name not in tables:
        return
    if sources.name not in tables:
        connection.execute(insert(sources).from_select(["run_id", "person"], _ancestors()))
    if "group" not in {column["name"] for column in inspect(connection).get_columns(runs.name)}:
        connection.execute(text('ALTER TABLE runs ADD COLUMN "group" VARCHAR(16)'))
        _group_siblings(connection)
        for index in runs.indexes:
            index.create(connection, checkfirst=True)


def _ancestors() -> Select[tuple[str, int]]:
    """Every run with each other person who owns one that it descends from.

    Even if it only began on their card: an old run does not say whether it holds their text.
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


def _group_siblings(connection: Connection) -> None:
    """Group the comparisons of an older bot: their six ids differ in the last digit alone, from 0 to 5.

    Other ids are random; two of them do not have fifteen digits in common.
    """
    other = runs.alias()
    shared = select(_stem(other)).group_by(_stem(other)).having(func.count() > 1)
    connection.execute(
        update(runs)
        .where(_stem(runs).in_(shared), _digits(runs, "16", "1").in_(tuple("012345")))
        .where(runs.c.kind == "completion", runs.c.parent.is_(None))
        .values(group=_stem(runs) + "0")
    )


def _stem(of: FromClause) -> ColumnElement[str]:
    """All but the last digit of a run's id."""
    return _digits(of, "1", "15")


def _digits(of: FromClause, first: str, count: str) -> ColumnElement[str]:
    # No bound parameters: PostgreSQL would not see that what is selected is what is grouped by.
    return func.substr(of.c.run_id, literal_column(first), literal_column(count), type_=String)
