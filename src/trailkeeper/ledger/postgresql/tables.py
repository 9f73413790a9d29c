"""The tables that PostgreSQL has in a form of its own."""

from __future__ import annotations

from sqlalchemy import Connection

OWN: frozenset[str] = frozenset({"activity_fresh"})
"""Tables of ledger/schema.py that `create` makes instead, or that PostgreSQL does not need."""


def create(connection: Connection) -> None:
    """Make them, once all others are there."""
