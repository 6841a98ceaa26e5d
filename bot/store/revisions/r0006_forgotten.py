"""The table ``forgotten``: that people were forgotten, while something of theirs may be in progress."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "forgotten",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )
