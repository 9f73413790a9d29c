"""Comparing the two databases: every table by count and hash, the log by its canonical bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Table, func, select, text

from trailkeeper.ledger.fingerprint import fingerprint
from trailkeeper.ledger.marker import DatabaseError
from trailkeeper.ledger.moving.tables import PLAIN, Tell, columns_of
from trailkeeper.ledger.postgresql.engine import adapted
from trailkeeper.ledger.postgresql.restore import REMOVED_KEY, key_of_fingerprint
from trailkeeper.ledger.schema import activity_day, activity_hour, removed_activity, workspace


class Compared(Struct, frozen=True):
    """How many there are, and one SHA-256 of all."""

    count: int
    sha256: str


class WorkspaceLog(Struct, frozen=True):
    """A workspace's activities, see ledger/fingerprint.py."""

    workspace: str
    activities: int
    sha256: str


class Verified(Struct, frozen=True):
    """What is the same in both databases."""

    logs: list[WorkspaceLog]
    tables: dict[str, int]


def verify(source: Connection, target: Connection, tell: Tell) -> Verified:
    """Raises DatabaseError, which names what is not the same."""
    logs: list[WorkspaceLog] = []
    with _one_snapshot(target):
        tables = {table.name: _same_table(source, target, table) for table in PLAIN}
        for table in (activity_hour, activity_day):
            tables[table.name] = _same_table(source, target, table)
        for key, name in source.execute(select(workspace.c.key, workspace.c.name)).all():
            tell(f"{name}: comparing")
            here, there = log_of(source, key), log_of(target, key)
            _same(f"the log of {name}", here, there)
            _same(f"the ids of {name}", _ids(source, key, here.count), _ids_moved(target, key))
            _same_index(target, key, name, here.count)
            logs.append(WorkspaceLog(name, here.count, here.sha256))
    return Verified(logs, tables)


def log_of(connection: Connection, key: int) -> Compared:
    """The activities of a workspace, in either database."""
    is_sqlite = connection.dialect.name == "sqlite"
    database: Any = connection.connection.driver_connection if is_sqlite else adapted(connection)
    found = fingerprint(database, key)
    return Compared(found.count, found.sha256)


def _same_table(source: Connection, target: Connection, table: Table) -> int:
    here, there = _table(source, table), _table(target, table)
    _same(f"the table {table.name}", here, there)
    return here.count


def _table(connection: Connection, table: Table) -> Compared:
    """All rows by their primary keys, as MessagePack."""
    digest, count = hashlib.sha256(), 0
    asked = select(*columns_of(table)).order_by(*table.primary_key.columns)
    rows = connection.execute(asked.execution_options(yield_per=500))
    for row in rows:
        digest.update(msgspec.msgpack.encode(tuple(row)))
        count += 1
    return Compared(count, digest.hexdigest())


def _ids(source: Connection, key: int, kept: int) -> Compared:
    """How many ids are taken, and those of removed activities."""
    table = removed_activity
    rows = source.execute(
        select(table.c.fingerprint, table.c.seq, table.c.received_at, table.c.content_hash)
        .where(table.c.workspace == key)
        .order_by(table.c.seq)
    )
    made = [(key_of_fingerprint(row[0]).bytes, *row[1:]) for row in rows]
    return Compared(kept + len(made), _hash_of(made))


def _ids_moved(target: Connection, key: int) -> Compared:
    asked = {"workspace": key, "removed": REMOVED_KEY}
    rows = target.execute(
        text(
            "SELECT id_key, seq, received_at, content_hash FROM activity_id"
            " WHERE workspace = :workspace AND key = :removed ORDER BY seq"
        ),
        asked,
    )
    made = [(row[0].bytes, row[1], row[2], bytes(row[3])) for row in rows]
    count = target.execute(
        text("SELECT count(*) FROM activity_id WHERE workspace = :workspace"), asked
    ).scalar_one()
    return Compared(count, _hash_of(made))


def _same_index(target: Connection, key: int, name: str, count: int) -> None:
    found = target.execute(
        select(func.count()).select_from(text("activity_index")).where(text("workspace = :key")),
        {"key": key},
    ).scalar_one()
    if found != count:
        raise DatabaseError(f"the index of {name} has {found} entries for {count} activities")


def _hash_of(rows: list[tuple[Any, ...]]) -> str:
    return hashlib.sha256(msgspec.msgpack.encode(rows)).hexdigest()


def _same(what: str, here: Compared, there: Compared) -> None:
    if here != there:
        raise DatabaseError(
            f"{what} is not the same: {here.count} on SQLite with SHA-256 {here.sha256},"
            f" {there.count} on PostgreSQL with {there.sha256}. Nothing was switched"
        )


@contextmanager
def _one_snapshot(target: Connection) -> Generator[None]:
    target.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        yield
    finally:
        target.exec_driver_sql("ROLLBACK")
