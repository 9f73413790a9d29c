"""Which tables a PostgreSQL database has, and how each is read and written by COPY."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import TopologicalSorter
from typing import Any

from msgspec import Struct
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier

from trailkeeper.backup.manifest import BackupError
from trailkeeper.backup.tables import FIRST, ORDERED_BY

INSTALLATION = "installation"
"""Whose the database is: that is given anew when it is restored."""

_COLUMNS = b"""
SELECT c.relname, a.attname, a.attcollation <> 0,
    (SELECT array_position(i.indkey::int2[], a.attnum) FROM pg_index i
        WHERE i.indrelid = c.oid AND i.indisprimary)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY c.relname COLLATE "C", a.attnum
"""

_REFERENCES = b"""
SELECT c.relname, o.relname FROM pg_constraint r
JOIN pg_class c ON c.oid = r.conrelid JOIN pg_class o ON o.oid = r.confrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition
AND r.contype = 'f' AND r.conrelid <> r.confrelid
ORDER BY c.relname COLLATE "C", o.relname COLLATE "C"
"""

_KEYS = b"""
SELECT c.relname, pg_sequence_last_value(s.oid)
FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_class c ON c.oid = d.refobjid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
AND d.deptype IN ('a', 'i') AND a.attname = 'key'
AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname COLLATE "C"
"""


class Table(Struct, frozen=True):
    """A table with its columns in the order of its stream. `order` names what its rows are sorted
    by, and whether that is text."""

    name: str
    columns: tuple[str, ...]
    order: tuple[tuple[str, bool], ...]

    def reading(self) -> Composed:
        """The statement that gives its stream."""
        return SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT (FORMAT binary)").format(
            _list(self.columns), Identifier(self.name), SQL(", ").join(map(_by, self.order))
        )

    def writing(self) -> Composed:
        """The statement that takes it."""
        return SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
            Identifier(self.name), _list(self.columns)
        )


def tables_in(database: Connection[Any]) -> list[Table]:
    """All tables, but for that of the installation's id. What the rows of one refer to comes before
    it, but for rows of the same table."""
    found: dict[str, list[tuple[str, bool, int | None]]] = {}
    for name, column, is_text, place in database.execute(_COLUMNS):
        found.setdefault(name, []).append((column, is_text, place))
    before = TopologicalSorter[str](dict.fromkeys(found, ()))
    for name, other in database.execute(_REFERENCES):
        before.add(name, other)
    return [_table(name, found[name]) for name in before.static_order() if name != INSTALLATION]


def last_keys(database: Connection[Any]) -> dict[str, int]:
    """The last number that each table's `key` was given, where there was any."""
    return {name: last for name, last in database.execute(_KEYS).fetchall() if last is not None}


def _table(name: str, columns: Sequence[tuple[str, bool, int | None]]) -> Table:
    names = [column for column, _, _ in columns]
    first = FIRST.get(name, ())
    is_text = {column: texts for column, texts, _ in columns}
    primary = sorted((place, column) for column, _, place in columns if place is not None)
    order = ORDERED_BY.get(name, tuple(column for _, column in primary))
    if missing := [column for column in first if column not in names]:
        raise BackupError(f"The table {name} has no column {missing[0]}")
    if not order:
        raise BackupError(f"The table {name} has no primary key, and is none of Trailkeeper's")
    return Table(
        name,
        (*first, *(column for column in names if column not in first)),
        tuple((column, is_text[column]) for column in order),
    )


def _list(columns: Sequence[str]) -> Composed:
    return SQL(", ").join(map(Identifier, columns))


def _by(term: tuple[str, bool]) -> Composed:
    column, is_text = term
    return SQL('{} COLLATE "C"' if is_text else "{}").format(Identifier(column))
