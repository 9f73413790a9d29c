"""SQLite as a backend: transactions, and what its errors mean."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Engine

from trailkeeper.errors import StorageFull, StoreUnavailable
from trailkeeper.ledger.sqlite.append import Appender
from trailkeeper.ledger.sqlite.database import SqliteDatabase

log = structlog.get_logger()


class SqliteSession:
    """See the protocol Session in ledger/backend.py."""

    def __init__(self, engine: Engine) -> None:
        self.connection = engine.connect()
        self._raw: Any = self.connection.connection.driver_connection
        self.database = SqliteDatabase(self._raw)
        self.appender = Appender(self._raw)
        self._data_version = -1

    @property
    def in_transaction(self) -> bool:
        """Not after some errors: SQLite may roll back everything by itself."""
        return self._raw.in_transaction

    def begin(self, _workspaces: set[int], _with_units: bool, /) -> bool:
        """There is one writer at a time, whatever it is going to do."""
        self._raw.execute("BEGIN IMMEDIATE")
        version: int = self._raw.execute("PRAGMA data_version").fetchone()[0]
        if version == self._data_version:
            return False
        self._data_version = version
        self.appender.forget()
        return True

    def begin_again(self) -> None:
        self._raw.execute("ROLLBACK")
        self._raw.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self._raw.execute("COMMIT")

    def rollback(self) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def close(self) -> None:
        with contextlib.suppress(Exception):
            if self._raw.in_transaction:
                self.connection.invalidate()
            self.connection.close()


class SqliteBackend:
    """See the protocol Backend in ledger/backend.py."""

    @contextmanager
    def reading(self, engine: Engine, _workspace: int, /) -> Generator[SqliteDatabase]:
        with engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute("BEGIN")
            try:
                yield SqliteDatabase(raw)
            finally:
                raw.execute("ROLLBACK")

    def session(self, engine: Engine) -> SqliteSession:
        return SqliteSession(engine)

    def problem_of(self, error: Exception) -> Exception | None:
        text = str(error)
        if "database or disk is full" in text:
            return StorageFull(
                "The disk is full; nothing was recorded. Free some space, then retry"
            )
        if any(
            part in text
            for part in ("disk I/O error", "database is locked", "unable to open", "readonly")
        ):
            log.error("the database does not take writes", error=text)
            return StoreUnavailable(
                "The database does not take writes now; nothing was recorded. Send it again later",
                retry_after_s=5,
            )
        return None

    def may_try_again(self, _error: Exception, /) -> bool:
        """Whoever has begun is alone."""
        return False
