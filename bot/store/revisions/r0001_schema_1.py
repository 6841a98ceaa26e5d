"""Schema 1 as it was at first: a database without revisions has at least these tables, or gets them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table("versions", sa.Column("schema", sa.Integer, nullable=False), if_not_exists=True)
    op.create_table(
        "runs",
        sa.Column("run_id", sa.String(16), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("owner", sa.BigInteger, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("parent", sa.String(16)),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("question", sa.String(64)),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("fingerprint", "prompt_ids", "params")),
        sa.Column("token_ids", sa.JSON, nullable=False),
        sa.Column("steps", sa.LargeBinary, nullable=False),
        sa.Column("finish_reason", sa.String(16)),
        sa.Column("by_hand", sa.JSON, nullable=False),
        sa.Column("mixed", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "answers",
        sa.Column("run_id", sa.String(16), _of("runs"), primary_key=True),
        sa.Column("question", sa.String(64), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "rounds",
        sa.Column("run_id", sa.String(16), _of("runs"), primary_key=True),
        sa.Column("guild", sa.BigInteger),
        sa.Column("choices", sa.JSON, nullable=False),
        sa.Column("favourite", sa.Integer, nullable=False),
        sa.Column("revealed", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "votes",
        sa.Column("run_id", sa.String(16), _of("rounds"), primary_key=True),
        sa.Column("person", sa.BigInteger, primary_key=True),
        sa.Column("token_id", sa.Integer, nullable=False),
        if_not_exists=True,
    )
    indexed = {
        "runs": ("owner", "asked_at", "question"),
        "answers": ("question",),
        "rounds": ("guild",),
        "votes": ("person",),
    }
    for table, columns in indexed.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column], if_not_exists=True)
    versions = sa.table("versions", sa.column("schema"))
    if op.get_bind().scalar(sa.select(versions.c.schema)) is None:
        op.execute(sa.insert(versions).values(schema=1))


def _of(table: str) -> sa.ForeignKey:
    return sa.ForeignKey(f"{table}.run_id", ondelete="CASCADE")
