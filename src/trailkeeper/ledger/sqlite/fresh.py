"""The newest rows of the inverted index, before they are in it.

FTS5 writes a segment at every commit, which for a few activities costs more than all else of the
append. So small appends leave their rows in the table `activity_fresh`, in the same transaction,
and the writer moves them on by the hundred. Until then searches look at both: at the fresh rows
through an index in memory with the same tokenizer, so that both find the same. Each connection
keeps its own from search to search, since to make it anew costs more than the search.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import pysqlite3.dbapi2 as dbapi

INDEX_COLUMNS = "body, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'"
"""How the migrations have made `activity_index`."""

STATEMENT_ROWS = (1000, 250, 50)
"""Rows of one statement: the driver lets go of the interpreter's lock once a statement, and under
load getting it back costs more than the row. The sizes are few, so that statements stay prepared;
what is left over makes one more, whatever its size."""


def insert_many(database: Any, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows, many with one statement."""
    start = 0
    while (left := len(rows) - start) > 0:
        count = next((size for size in STATEMENT_ROWS if size <= left), left)
        marks = f"({','.join('?' * len(rows[0]))})"
        database.execute(
            f"{statement} VALUES {','.join([marks] * count)}",
            list(chain.from_iterable(rows[start : start + count])),
        )
        start += count


def add_to_index(database: Any, rows: Iterable[tuple[int, str]]) -> None:
    """Put rows (key, body) into the inverted index."""
    # FTS5 writes a segment out whenever a rowid is lower than the one before.
    insert_many(database, "INSERT INTO activity_index (rowid, body)", sorted(rows))


def add_fresh(database: Any, rows: list[tuple[int, str]]) -> None:
    """Keep rows (key, body) for the next `move`."""
    insert_many(database, "INSERT INTO activity_fresh (key, body)", rows)


def count_fresh(database: Any) -> int:
    return database.execute("SELECT count(*) FROM activity_fresh").fetchone()[0]


def count_with(database: Any, token: str) -> int:
    """How many fresh rows have this token."""
    return database.execute(
        "SELECT count(*) FROM activity_fresh WHERE instr(' ' || body || ' ', ' ' || ? || ' ')",
        (token,),
    ).fetchone()[0]


def move(database: Any) -> None:
    """Move all fresh rows into the inverted index, in the open transaction."""
    database.execute(
        "INSERT INTO activity_index (rowid, body) SELECT key, body FROM activity_fresh ORDER BY key"
    )
    database.execute("DELETE FROM activity_fresh")


class FreshIndex:
    """The fresh rows as one connection has seen them, in an index in memory. Not thread-safe."""

    def __init__(self) -> None:
        self._memory: Any = None
        self._bodies: dict[int, str] = {}

    def matching(
        self, rows: list[tuple[int, str]], expression: str, low: int, high: int
    ) -> list[int]:
        """The keys from `low` to before `high` of these rows, which are all fresh ones that there
        are, that match an FTS5 expression."""
        self._follow(rows)
        found: list[tuple[int]] = self._memory.execute(
            "SELECT rowid FROM activity_index WHERE body MATCH ? AND rowid>=? AND rowid<?",
            (expression, low, high),
        ).fetchall()
        return [row[0] for row in found]

    def close(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None
            self._bodies.clear()

    def _follow(self, rows: list[tuple[int, str]]) -> None:
        """Hold these rows and no others."""
        known = self._bodies
        new = [row for row in rows if known.get(row[0]) != row[1]]
        if len(known) + len(new) != len(rows):
            # Some are gone, and then as a rule all that were known: they have been moved.
            self.close()
            new = rows
        if not new:
            return
        if self._memory is None:
            driver: Any = dbapi
            self._memory = driver.connect(":memory:", isolation_level=None, check_same_thread=False)
            self._memory.execute(f"CREATE VIRTUAL TABLE activity_index USING fts5({INDEX_COLUMNS})")
        try:
            self._memory.execute("BEGIN")
            add_to_index(self._memory, new)
            self._memory.execute("COMMIT")
        except Exception:
            self.close()
            raise
        known.update(new)


def matching(database: Any, expression: str, low: int, high: int) -> list[int]:
    """The keys from `low` to before `high` of the fresh rows that match an FTS5 expression."""
    in_range = "SELECT 1 FROM activity_fresh WHERE key>=? AND key<? LIMIT 1"
    if not database.execute(in_range, (low, high)).fetchone():
        return []
    rows = database.execute("SELECT key, body FROM activity_fresh").fetchall()
    return database.fresh_index.matching(rows, expression, low, high)
