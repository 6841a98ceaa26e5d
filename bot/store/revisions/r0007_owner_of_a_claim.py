"""The column ``claims.owner``: whose claim it is, so that no process gives back or renews another's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("claims", sa.Column("owner", sa.String(16)))
