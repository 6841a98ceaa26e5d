"""Schema 1 in the forms that bots made before there were revisions. Never to be changed."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    insert,
)

#: The last one has all tables; ``oldest`` lacks ``sources`` and ``runs.group``.
Form = Literal["oldest", "ungrouped", "last"]
FORMS: tuple[Form, ...] = ("oldest", "ungrouped", "last")
#: What each lacks, as tests.support.filled.fill takes it.
LACKS: dict[Form, frozenset[str]] = {
    "oldest": frozenset({"sources", "runs.group"}),
    "ungrouped": frozenset({"runs.group"}),
    "last": frozenset(),
}


def tables(form: Form) -> MetaData:
    metadata = MetaData()
    Table("versions", metadata, Column("schema", Integer, nullable=False))
    runs = Table(
        "runs",
        metadata,
        Column("run_id", String(16), primary_key=True),
        Column("kind", String(16), nullable=False),
        Column("owner", BigInteger, nullable=False, index=True),
        Column("asked_at", Float, nullable=False, index=True),
        Column("parent", String(16)),
        *([Column("group", String(16), index=True)] if "runs.group" not in LACKS[form] else []),
        Column("private", Boolean, nullable=False),
        Column("question", String(64), index=True),
        Column("fingerprint", JSON, nullable=False),
        Column("prompt_ids", JSON, nullable=False),
        Column("params", JSON, nullable=False),
        Column("token_ids", JSON, nullable=False),
        Column("steps", LargeBinary, nullable=False),
        Column("finish_reason", String(16)),
        Column("by_hand", JSON, nullable=False),
        Column("mixed", Boolean, nullable=False),
    )
    Table(
        "answers",
        metadata,
        Column("run_id", String(16), ForeignKey(runs.c.run_id, ondelete="CASCADE"), primary_key=True),
        Column("question", String(64), nullable=False, index=True),
    )
    if "sources" not in LACKS[form]:
        Table(
            "sources",
            metadata,
            Column("run_id", String(16), ForeignKey(runs.c.run_id, ondelete="CASCADE"), primary_key=True),
            Column("person", BigInteger, primary_key=True, index=True),
        )
    rounds = Table(
        "rounds",
        metadata,
        Column("run_id", String(16), ForeignKey(runs.c.run_id, ondelete="CASCADE"), primary_key=True),
        Column("guild", BigInteger, index=True),
        Column("choices", JSON, nullable=False),
        Column("favourite", Integer, nullable=False),
        Column("revealed", Boolean, nullable=False),
    )
    Table(
        "votes",
        metadata,
        Column("run_id", String(16), ForeignKey(rounds.c.run_id, ondelete="CASCADE"), primary_key=True),
        Column("person", BigInteger, primary_key=True, index=True),
        Column("token_id", Integer, nullable=False),
    )
    return metadata


def make(connection: Connection, form: Form) -> None:
    """Make an empty database of schema 1."""
    metadata = tables(form)
    metadata.create_all(connection)
    connection.execute(insert(metadata.tables["versions"]).values(schema=1))
