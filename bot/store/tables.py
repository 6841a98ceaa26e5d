"""The tables: everything that is stored of anyone, and nothing else is."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    LargeBinary,
    MetaData,
    String,
    Table,
)

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("run_id", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("owner", BigInteger, nullable=False, index=True),
    # Seconds since 1970, UTC.
    Column("asked_at", Float, nullable=False, index=True),
    Column("parent", String(16)),
    Column("private", Boolean, nullable=False),
    # The same for runs that must have the same tokens; see bot.store.rows.question.
    Column("question", String(64), index=True),
    Column("fingerprint", JSON, nullable=False),
    Column("prompt_ids", JSON, nullable=False),
    Column("params", JSON, nullable=False),
    Column("token_ids", JSON, nullable=False),
    # What the model found likely at each token; see bot.store.steps.
    Column("steps", LargeBinary, nullable=False),
    Column("finish_reason", String(16)),
    Column("by_hand", JSON, nullable=False),
)
