"""Which backend an engine belongs to."""

from __future__ import annotations

from sqlalchemy import Engine

from trailkeeper.ledger.backend import Backend
from trailkeeper.ledger.sqlite.backend import SqliteBackend


def backend_of(engine: Engine) -> Backend:
    """The backend of an engine's database. Raises ValueError for one that there is not."""
    if engine.dialect.name == "sqlite":
        return SqliteBackend()
    raise ValueError(f"There is no ledger on {engine.dialect.name}")
