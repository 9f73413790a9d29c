"""Walking what a search finds, in the order of the keys."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

from trailkeeper.ledger.fresh import matching
from trailkeeper.ledger.search import Search


def rows_matching(
    database: Any, workspace: int, search: Search, columns: str, *, order: str, limit: int
) -> list[Any]:
    """These columns of the activities that match, the first of which is the key: `desc` the newest
    first, `asc` the oldest. It reads no more rows than the limit."""
    if search.expression is None:
        return []
    # The join is written so that the index leads: it yields the keys in order, and stops early.
    direction = "DESC" if order == "desc" else "ASC"
    rows = database.execute(
        f"SELECT {columns} FROM activity_index AS i CROSS JOIN activity AS a"
        " ON a.key = i.rowid WHERE i.body MATCH ? AND i.rowid >= ? AND i.rowid < ?"
        f" AND a.workspace = ? ORDER BY i.rowid {direction} LIMIT ?",
        (search.expression, search.low, search.high, workspace, limit),
    ).fetchall()
    if fresh := matching(database, search.expression, search.low, search.high):
        is_newest_first = order == "desc"
        rows += database.execute(
            # Without the plus sign SQLite walks all of the workspace's activities for these keys.
            f"SELECT {columns} FROM activity WHERE +workspace = ?"
            " AND key IN (SELECT value FROM json_each(?))",
            (workspace, json.dumps(sorted(fresh, reverse=is_newest_first)[:limit])),
        )
        rows.sort(key=itemgetter(0), reverse=is_newest_first)
    return rows[:limit]


def newest_keys(database: Any, search: Search, low: int, high: int, limit: int) -> list[int]:
    """The keys in a range that match, the newest first, at most `limit`."""
    if search.expression is None:
        return []
    rows = database.execute(
        "SELECT rowid FROM activity_index WHERE body MATCH ? AND rowid >= ? AND rowid < ?"
        " ORDER BY rowid DESC LIMIT ?",
        (search.expression, low, high, limit),
    )
    keys = [row[0] for row in rows]
    if fresh := matching(database, search.expression, low, high):
        keys = sorted(keys + fresh, reverse=True)
    return keys[:limit]
