"""The tables that are on PostgreSQL as they are on SQLite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, Table, insert, select, text

from trailkeeper.ledger.moving.progress import Progress
from trailkeeper.ledger.schema import metadata, workspace

ELSEWHERE = frozenset(
    {"activity", "activity_day", "activity_fresh", "activity_hour", "removed_activity"}
)
"""Those that activities.py moves, and one whose rows are part of the index."""

PLAIN = tuple(table for table in metadata.sorted_tables if table.name not in ELSEWHERE)
"""In an order in which what a row refers to comes before it, but for rows of the same table."""

BATCH_ROWS = 1_000
BATCH_BYTES = 8 * 1024 * 1024

OWN_REFERENCES = tuple(
    (table, key)
    for table in PLAIN
    for key in sorted(table.foreign_key_constraints, key=lambda one: str(one.name))
    if key.referred_table is table
)
"""References of rows to others of their table. They are checked at the end: what a row refers to
may come after it."""

Tell = Callable[[str], None]


def drop_own_references(target: Connection) -> None:
    for table, key in OWN_REFERENCES:
        target.exec_driver_sql(f'ALTER TABLE "{table.name}" DROP CONSTRAINT IF EXISTS {key.name}')


def add_own_references(target: Connection) -> None:
    for table, key in OWN_REFERENCES:
        (column,) = key.column_keys
        target.exec_driver_sql(
            f'ALTER TABLE "{table.name}" ADD CONSTRAINT {key.name}'
            f' FOREIGN KEY ("{column}") REFERENCES "{table.name}" (key)'
        )


def columns_of(table: Table) -> list[Column[object]]:
    """Those that are kept, not computed."""
    return [column for column in table.columns if column.computed is None]


def move_table(source: Connection, target: Connection, table: Table, tell: Tell) -> None:
    """Copy what is not there yet. Each step is one transaction of `target`."""
    progress = Progress(target)
    columns = columns_of(table)
    position = progress.position(table.name)
    while True:
        rows = source.execute(
            select(text("rowid AS place"), *columns)
            .select_from(table)
            .where(text("rowid > :after"))
            .order_by(text("rowid"))
            .limit(BATCH_ROWS),
            {"after": position},
        )
        batch: list[dict[str, Any]] = []
        size = 0
        for row in rows.mappings():
            values = dict(row)
            position = values.pop("place")
            batch.append(values)
            size += sum(len(one) for one in values.values() if isinstance(one, str | bytes))
            if size > BATCH_BYTES:
                break
        rows.close()
        if not batch:
            return
        target.exec_driver_sql("BEGIN")
        target.execute(insert(table), batch)
        progress.keep(table.name, position)
        target.exec_driver_sql("COMMIT")
        tell(f"{table.name}: up to row {position}")


def set_sequences(source: Connection, target: Connection) -> None:
    """New rows get keys that no row has had."""
    used = {
        row[0]: row[1]
        for row in source.exec_driver_sql("SELECT name, seq FROM sqlite_sequence").all()
    }
    for table in PLAIN:
        keys = list(table.primary_key.columns)
        if len(keys) != 1 or keys[0].name != "key":
            continue
        quoted = f'"{table.name}"'
        (highest,) = target.exec_driver_sql(f"SELECT coalesce(max(key), 0) FROM {quoted}").one()
        last = max(highest, used.get(table.name, 0))
        if last:
            target.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'key'), :last)"),
                {"name": quoted, "last": last},
            )


def set_newest_keys(target: Connection) -> None:
    """What PostgreSQL's workspaces know besides."""
    for (key,) in target.execute(select(workspace.c.key)).all():
        target.exec_driver_sql(
            f"UPDATE workspace SET newest_key = coalesce((SELECT max(key) FROM activity"
            f" WHERE workspace = {int(key)}), -1) WHERE key = {int(key)}"
        )
