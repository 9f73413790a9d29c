"""Where an installation's database is: a SQLite file in its data folder, or on PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from trailkeeper.ledger import sqlite
from trailkeeper.ledger.marker import DatabaseError, read_marker
from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.sqlite import DATABASE_FILE


class Home(Protocol):
    """The database of one data folder. All raise DatabaseError, and SchemaError for tables of a
    newer program."""

    def make(self, secret: bytes) -> None:
        """Make the tables of a new installation with this key; one that is there already is
        refused, and never overwritten."""
        ...

    def check(self, secret: bytes) -> list[str]:
        """Refuse a database that is not there, not this folder's, or cannot be worked with. Returns
        what an operator should be warned of."""
        ...

    def writer_engine(self) -> Engine:
        """Whoever uses its connections says BEGIN and COMMIT."""
        ...

    def reader_engine(self) -> Engine:
        """A pool of connections that refuse to write."""
        ...


def home_of(data: Path, url: str) -> Home:
    """The database of this URL, or without one the data folder's own. Raises DatabaseError."""
    if not url:
        return SqliteHome(data)
    try:
        # Only now: it takes a while, and who has SQLite need not wait for it.
        from trailkeeper.ledger.postgresql.home import PostgresqlHome  # noqa: PLC0415
    except ImportError as error:
        raise DatabaseError(
            f"PostgreSQL needs the package psycopg: pip install 'psycopg[binary]' ({error})"
        ) from None
    return PostgresqlHome(data, url)


class SqliteHome:
    """The file in the data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file = data / DATABASE_FILE

    def make(self, secret: bytes) -> None:
        del secret
        if self._file.exists() or read_marker(self._data):
            raise DatabaseError(f"{self._data} holds an installation already; it was left as it is")
        engine = self.writer_engine()
        migrate(engine)
        self._file.chmod(0o600)
        engine.dispose()

    def check(self, secret: bytes) -> list[str]:
        del secret
        if marker := read_marker(self._data):
            raise DatabaseError(
                f"{self._data} belongs to an installation in {marker.at}; say so by"
                " TRAILKEEPER_DATABASE_URL, or by database_url in trailkeeper.toml"
            )
        if not self._file.exists():
            raise DatabaseError(
                f"{self._data} holds no installation; make one with"
                f" `trailkeeper init --data {self._data} …`"
            )
        return []

    def writer_engine(self) -> Engine:
        return sqlite.writer_engine(self._file)

    def reader_engine(self) -> Engine:
        return sqlite.reader_engine(self._file)
