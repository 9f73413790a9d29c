"""Which backend an engine belongs to."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from trailkeeper.ledger.backend import Backend
from trailkeeper.ledger.postgresql.backend import PostgresBackend
from trailkeeper.ledger.sqlite.backend import SqliteBackend

BACKENDS: dict[str, Backend] = {"sqlite": SqliteBackend(), "postgresql": PostgresBackend()}
"""By the names that SQLAlchemy gives to kinds of databases."""


def backend_of(engine: Engine) -> Backend:
    """The backend of an engine's database."""
    return BACKENDS[engine.dialect.name]


@contextmanager
def seeing(connection: Connection, workspace: int) -> Generator[None]:
    """Let a reader's connection see the ledger's tables, of this workspace. Without it those on
    PostgreSQL look empty (postgresql/wall.py)."""
    if connection.dialect.name != "postgresql":
        yield
        return
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql(f"SET LOCAL trailkeeper.workspace = '{int(workspace)}'")
    try:
        yield
    finally:
        connection.exec_driver_sql("ROLLBACK")
