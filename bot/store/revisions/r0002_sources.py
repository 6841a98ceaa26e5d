"""The table ``sources``: the other people whose runs a run was made from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_runs = sa.table("runs", sa.column("run_id"), sa.column("owner"), sa.column("parent"))


def upgrade() -> None:
    connection = op.get_bind()
    if sa.inspect(connection).has_table("sources"):
        return
    sources = op.create_table(
        "sources",
        sa.Column(
            "run_id", sa.String(16), sa.ForeignKey("runs.run_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("person", sa.BigInteger, primary_key=True),
    )
    op.create_index("ix_sources_person", "sources", ["person"])
    connection.execute(sa.insert(sources).from_select(["run_id", "person"], _ancestors()))


def _ancestors() -> sa.Select[tuple[str, int]]:
    """Every run with each other person who owns one that it descends from.

    Even if it only began on their card: an old run does not say whether it holds their text.
    """
    parent = _runs.alias()
    line = (
        sa.select(_runs.c.run_id, parent.c.owner, parent.c.parent)
        .join_from(_runs, parent, _runs.c.parent == parent.c.run_id)
        .cte(recursive=True)
    )
    line = line.union(
        sa.select(line.c.run_id, parent.c.owner, parent.c.parent).join_from(
            line, parent, line.c.parent == parent.c.run_id
        )
    )
    return (
        sa.select(line.c.run_id, line.c.owner)
        .distinct()
        .join_from(line, _runs, line.c.run_id == _runs.c.run_id)
        .where(line.c.owner != _runs.c.owner)
    )
