"""How this installation's SQLite file is opened.

WAL with synchronous=FULL: a commit that returned has been fsynced, and readers never wait for the
writer. pysqlite3 brings a current SQLite; the one of the system may be too old.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as dbapi
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from trailkeeper.ledger.sqlite.fresh import FreshIndex

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another process's transaction, such as an import's."""

CHECKPOINT_PAGES = 16_000

DATABASE_FILE = "trailkeeper.db"

MIN_VERSION = (3, 43, 0)
"""The first SQLite with FTS5's contentless_delete."""

driver: Any = dbapi


class _Connection(driver.Connection):
    """A connection of the driver with what its searches keep from one to the next."""

    fresh_index: FreshIndex


def writer_engine(path: Path) -> Engine:
    """An engine whose connections write; whoever uses it says BEGIN and COMMIT."""
    return _engine(path, NullPool, {}, f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")


def reader_engine(path: Path, connections: int = 48) -> Engine:
    """An engine whose connections refuse to write, pooled for threads."""
    pool = {
        "pool_size": 8,
        "max_overflow": connections - 8,
        "pool_timeout": 30,
        # The connection that was used last has what it read at hand.
        "pool_use_lifo": True,
    }
    return _engine(path, QueuePool, pool, "PRAGMA query_only=1")


def _engine(path: Path, pool: type[Any], options: dict[str, Any], *pragmas: str) -> Engine:
    if driver.sqlite_version_info < MIN_VERSION:
        version = ".".join(map(str, driver.sqlite_version_info))
        raise RuntimeError(f"SQLite {version} is too old: install pysqlite3 0.6 or newer")
    engine = create_engine(
        f"sqlite:///{path}",
        module=driver,
        poolclass=pool,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "check_same_thread": False,
            "cached_statements": 256,
            "factory": _Connection,
        },
        **options,
    )

    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "PRAGMA foreign_keys=ON",
            "PRAGMA cache_size=-32768",
            "PRAGMA mmap_size=1073741824",
            "PRAGMA temp_store=MEMORY",
            *pragmas,
        ):
            cursor.execute(pragma).fetchall()
        cursor.close()
        connection.fresh_index = FreshIndex()

    def close(connection: Any, _record: Any) -> None:
        connection.fresh_index.close()

    event.listen(engine, "connect", prepare)
    event.listen(engine, "close", close)
    return engine
