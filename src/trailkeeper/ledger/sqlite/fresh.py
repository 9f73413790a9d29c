"""The newest rows of the inverted index, before they are in it.

FTS5 writes a segment at every commit, which for a few activities costs more than all else of the
append. So small appends leave their rows in the table `activity_fresh`, in the same transaction,
and the writer moves them on by the hundred. Until then searches look at both: at the fresh rows
through an index in memory with the same tokenizer, so that both find the same.
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


def matching(database: Any, expression: str, low: int, high: int) -> list[int]:
    """The keys from `low` to before `high` of the fresh rows that match an FTS5 expression."""
    rows = database.execute(
        "SELECT key, body FROM activity_fresh WHERE key>=? AND key<?", (low, high)
    ).fetchall()
    if not rows:
        return []
    driver: Any = dbapi
    memory: Any = driver.connect(":memory:", isolation_level=None)
    try:
        memory.execute(f"CREATE VIRTUAL TABLE activity_index USING fts5({INDEX_COLUMNS})")
        memory.execute("BEGIN")
        add_to_index(memory, rows)
        found: list[Any] = memory.execute(
            "SELECT rowid FROM activity_index WHERE body MATCH ?", (expression,)
        ).fetchall()
    finally:
        memory.close()
    return [row[0] for row in found]
