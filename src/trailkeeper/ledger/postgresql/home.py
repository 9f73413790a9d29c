"""Which installation a PostgreSQL database holds, and whether a data folder belongs to it.

The database has the installation's id and a check of its key; the data folder has the id in a file.
Whoever opens a folder with the database of another one, or with another key, is refused before
anything is read or written. A folder that has only the key, on a further host, is taken in.
"""

from __future__ import annotations

import contextlib
import hmac
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors
from sqlalchemy import Engine

from trailkeeper.ledger.marker import DatabaseError, Marker, read_marker, write_marker
from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.moving.source import refuse_moving
from trailkeeper.ledger.postgresql import engine
from trailkeeper.ledger.postgresql.address import AddressError, shown
from trailkeeper.ledger.postgresql.failures import first_line
from trailkeeper.ledger.sqlite import DATABASE_FILE

OLDEST = 14
INITIALISING = 7_451_904
"""The key of an advisory lock."""


class PostgresqlHome:
    """The database of a URL."""

    def __init__(self, data: Path, url: str) -> None:
        self._data = data
        self._url = url
        try:
            self.shown = shown(url)
            """The database without password, for messages."""
        except AddressError as error:
            raise DatabaseError(f"The database's URL cannot be used: {error}") from None

    def make(self, secret: bytes) -> None:
        if (self._data / DATABASE_FILE).exists():
            raise DatabaseError(f"{self._data} holds an installation already; it was left as it is")
        with self.connected() as connection:
            writing = self.writer_engine()
            migrate(writing)
            writing.dispose()
            # The marker is there before the row: what a crash leaves between can be made again.
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (INITIALISING,))
                if connection.execute("SELECT 1 FROM installation").fetchone():
                    raise DatabaseError(
                        f"{self.shown} holds an installation already; it was left as it is. To"
                        " use it from this folder too, copy secret.key from the one it was made in"
                    )
                id = str(uuid.uuid4())
                write_marker(self._data, Marker(id, self.shown))
                connection.execute(
                    "INSERT INTO installation (id, key_check) VALUES (%s, %s)",
                    (id, key_check(secret, id)),
                )

    def check(self, secret: bytes) -> list[str]:
        refuse_moving(self._data)
        if (self._data / DATABASE_FILE).exists():
            raise DatabaseError(
                f"{self._data} holds an installation on SQLite; move it with `trailkeeper"
                " migrate-store`, or leave the database's URL out"
            )
        with self.connected() as connection:
            self._refuse_other(connection, secret)
            return _warnings(connection)

    def refuse_unsuitable(self) -> None:
        """Refuse a server that cannot be reached or worked with. Raises DatabaseError."""
        with self.connected():
            pass

    def writer_engine(self) -> Engine:
        return engine.writer_engine(self._url)

    def reader_engine(self) -> Engine:
        return engine.reader_engine(self._url)

    def _refuse_other(self, connection: psycopg.Connection[Any], secret: bytes) -> None:
        """Refuse a database that holds another installation than the folder's, or none."""
        marker = read_marker(self._data)
        try:
            row = connection.execute("SELECT id, key_check FROM installation").fetchone()
        except errors.UndefinedTable:
            row = None
        if row is None:
            raise DatabaseError(
                f"{self.shown} holds no installation; make one with `trailkeeper init"
                f" --data {self._data} --database-url …`, or name the right database"
            )
        id, expected = row
        if marker is not None and marker.installation != id:
            raise DatabaseError(
                f"{self._data} belongs to an installation in {marker.at}, and {self.shown} holds"
                " another one; name the right folder or the right database"
            )
        if not hmac.compare_digest(expected, key_check(secret, id)):
            raise DatabaseError(
                f"The key in {self._data} is not that of the installation in {self.shown}; copy"
                " secret.key from the folder it was made in"
            )
        if marker is None:
            write_marker(self._data, Marker(id, self.shown))

    @contextlib.contextmanager
    def connected(self) -> Generator[psycopg.Connection[Any]]:
        """A writer's connection of its own, to a server that can be worked with. What PostgreSQL
        says meanwhile is raised as DatabaseError."""
        try:
            connection = engine.connect(self._url)
        except psycopg.Error as error:
            raise DatabaseError(f"{self.shown} cannot be opened: {_why(error)}") from None
        try:
            with connection:
                if reason := _unsuitable(connection):
                    raise DatabaseError(f"{self.shown} {reason}")
                yield connection
        except psycopg.Error as error:
            raise DatabaseError(f"{self.shown} fails: {first_line(error)}") from None


def key_check(secret: bytes, id: str) -> bytes:
    """What the database knows of the key: it proves the same one, and gives nothing of it away."""
    return hmac.digest(secret, f"installation {id}".encode(), "sha256")[:16]


HINTS = (
    ("does not exist", "make it: CREATE DATABASE … OWNER …"),
    ("authentication failed", "the user's name or password is wrong"),
    ("no password supplied", "the URL needs the user's password"),
    ("not known", "is the host's name right?"),
    ("could not translate host name", "is the host's name right?"),
    ("failed to resolve", "is the host's name right?"),
    ("refused", "does PostgreSQL run there?"),
    ("timeout expired", "is the address right, and does a firewall let it through?"),
    ("session is read-only", "it is a standby; name the server that takes writes, or all of them"),
)
"""By words of libpq's messages: a failed connection has no code."""


def _why(error: psycopg.Error) -> str:
    said = first_line(error)
    hint = next((f"; {hint}" for words, hint in HINTS if words in said), "")
    return said.rpartition("FATAL: ")[2].strip() + hint


def _unsuitable(connection: psycopg.Connection[Any]) -> str | None:
    """Why this database cannot be worked with."""
    version = connection.info.server_version
    if version < OLDEST * 10_000:
        return f"runs PostgreSQL {version // 10_000}; Trailkeeper needs {OLDEST} or later"
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        return (
            f"has the encoding {encoding}; make it with:"
            " CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    return None


def _warnings(connection: psycopg.Connection[Any]) -> list[str]:
    row = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
    ).fetchone()
    if row is None:
        return []
    passing = (
        f"The database's role {row[0]} passes by row-level security, the second wall between"
        " workspaces; use an ordinary role that owns the database"
    )
    return [passing]
