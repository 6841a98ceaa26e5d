"""The tables: all that is stored about anyone."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

# Every change needs a revision under bot/store/revisions. A new table, or a column that may be null, needs no
# other bot.store.migrations.SCHEMA: a bot from before there were revisions passes it over.
metadata = MetaData()

# One row: the version of the tables below, for bots from before there were revisions.
versions = Table("versions", metadata, Column("schema", Integer, nullable=False))

# One row: the newest revision that was applied, as Alembic keeps it.
revisions = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))

runs = Table(
    "runs",
    metadata,
    Column("run_id", String(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("owner", BigInteger, nullable=False),
    # Seconds since 1970, UTC.
    Column("asked_at", Float, nullable=False, index=True),
    Column("parent", String(16)),
    # The same for the runs of one comparison: the id of the first of them.
    Column("group", String(16), index=True),
    Column("private", Boolean, nullable=False),
    # The same for runs that must have the same tokens; see bot.store.rows.question.
    Column("question", String(64)),
    Column("fingerprint", JSON, nullable=False),
    Column("prompt_ids", JSON, nullable=False),
    Column("params", JSON, nullable=False),
    Column("token_ids", JSON, nullable=False),
    # What the model found likely at each token; see bot.store.steps.
    Column("steps", LargeBinary, nullable=False),
    Column("finish_reason", String(16)),
    Column("by_hand", JSON, nullable=False),
    # Whether it was written under several fingerprints.
    Column("mixed", Boolean, nullable=False),
    # For all runs of a person, too.
    Index("ix_runs_owner_question", "owner", "question"),
)

# Runs that people of the channel that saw them are shown again if they request the same.
answers = Table(
    "answers",
    metadata,
    Column("run_id", String(16), ForeignKey(runs.c.run_id, ondelete="CASCADE"), primary_key=True),
    # The same for the same question in the same channel; see bot.store.rows.question.
    Column("question", String(64), nullable=False, index=True),
)

# The other people whose runs a run was made from: it is deleted when one of them is forgotten.
sources = Table(
    "sources",
    metadata,
    Column("run_id", String(16), ForeignKey(runs.c.run_id, ondelete="CASCADE"), primary_key=True),
    Column("person", BigInteger, primary_key=True, index=True),
)

# A round of /guess. Its run has what the model said, and takes the round with it when deleted.
rounds = Table(
    "rounds",
    metadata,
    Column("run_id", String(16), ForeignKey(runs.c.run_id, ondelete="CASCADE"), primary_key=True),
    # The server it is played on; null in a direct message.
    Column("guild", BigInteger, index=True),
    # Token ids, in the order in which they are shown.
    Column("choices", JSON, nullable=False),
    Column("favourite", Integer, nullable=False),
    Column("revealed", Boolean, nullable=False),
)

votes = Table(
    "votes",
    metadata,
    Column("run_id", String(16), ForeignKey(rounds.c.run_id, ondelete="CASCADE"), primary_key=True),
    Column("person", BigInteger, primary_key=True, index=True),
    Column("token_id", Integer, nullable=False),
)

# What one of several processes has claimed: an interaction, or what a press acts on.
claims = Table(
    "claims",
    metadata,
    # A digest.
    Column("key", String(32), primary_key=True),
    # Seconds since 1970 by the database's clock: from then on it is free again.
    Column("until", Float, nullable=False, index=True),
    # The process, by a random name.
    Column("owner", String(16)),
)

# Who was forgotten a moment ago: what is in progress for them, in any process, is not stored.
forgotten = Table(
    "forgotten",
    metadata,
    # A digest of a person's id; or of none, that texts were deleted for their age.
    Column("key", String(32), primary_key=True),
    # Seconds since 1970 by the clock that all processes share.
    Column("at", Float, nullable=False),
)
