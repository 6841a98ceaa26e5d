"""One index for what a person has asked before, in place of two: for their runs, and for that question."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_runs_owner_question", "runs", ["owner", "question"], if_not_exists=True)
    op.drop_index("ix_runs_owner", "runs", if_exists=True)
    op.drop_index("ix_runs_question", "runs", if_exists=True)
