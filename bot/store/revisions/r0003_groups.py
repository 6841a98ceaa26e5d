"""The column ``runs.group``: the same for the runs of one comparison."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_runs = sa.table("runs", *(sa.column(name) for name in ("run_id", "kind", "parent", "group")))


def upgrade() -> None:
    columns = sa.inspect(op.get_bind()).get_columns("runs")
    if "group" not in {column["name"] for column in columns}:
        op.add_column("runs", sa.Column("group", sa.String(16)))
        _group_siblings()
    op.create_index("ix_runs_group", "runs", ["group"], if_not_exists=True)


def _group_siblings() -> None:
    """Group the comparisons of an older bot: their six ids differ in the last digit alone, from 0 to 5.

    Other ids are random; two of them do not have fifteen digits in common.
    """
    other = _runs.alias()
    shared = sa.select(_stem(other)).group_by(_stem(other)).having(sa.func.count() > 1)
    op.execute(
        sa.update(_runs)
        .where(_stem(_runs).in_(shared), _digits(_runs, "16", "1").in_(tuple("012345")))
        .where(_runs.c.kind == "completion", _runs.c.parent.is_(None))
        .values(group=_stem(_runs) + "0")
    )


def _stem(of: sa.FromClause) -> sa.ColumnElement[str]:
    """All but the last digit of a run's id."""
    return _digits(of, "1", "15")


def _digits(of: sa.FromClause, first: str, count: str) -> sa.ColumnElement[str]:
    # No bound parameters: PostgreSQL would not see that what is selected is what is grouped by.
    return sa.func.substr(of.c.run_id, sa.literal_column(first), sa.literal_column(count), type_=sa.String)
