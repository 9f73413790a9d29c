"""Which backend an engine belongs to."""

from __future__ import annotations

from sqlalchemy import Engine

from trailkeeper.ledger.backend import Backend
from trailkeeper.ledger.postgresql.backend import PostgresBackend
from trailkeeper.ledger.sqlite.backend import SqliteBackend

BACKENDS: dict[str, Backend] = {"sqlite": SqliteBackend(), "postgresql": PostgresBackend()}
"""By the names that SQLAlchemy gives to kinds of databases."""


def backend_of(engine: Engine) -> Backend:
    """The backend of an engine's database."""
    return BACKENDS[engine.dialect.name]
