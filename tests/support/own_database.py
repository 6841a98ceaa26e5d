"""A PostgreSQL database for each of the processes that run tests in parallel."""

from __future__ import annotations

import os

import psycopg
from psycopg import sql
from sqlalchemy import make_url

ADDRESS = "TEST_POSTGRESQL"


def take_own_database(worker: str) -> None:
    """Point ``TEST_POSTGRESQL`` of this process at an empty database named after ``worker``.

    The tests empty their database, so two processes must not share one.
    """
    if not (address := os.environ.get(ADDRESS)):
        return
    shared = make_url(address)
    name = f"{shared.database}_{worker}"
    with psycopg.connect(shared.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    os.environ[ADDRESS] = shared.set(database=name).render_as_string(hide_password=False)
