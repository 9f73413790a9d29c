"""Finding keys in the order of time, whatever is asked.

No index is good for all: one in the order of keys soon finds what is frequent, the index of words
what is rare. So first the newest rows are walked, up to a number of them; if that gives too few,
windows of time before them are searched by whatever index the server prefers, each four times as
long as the one before.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from trailkeeper.ledger.postgresql.conditions import Condition, conditions_of, leading
from trailkeeper.ledger.search import Search

WALK_MIN, WALK_MAX = 2_000, 20_000
"""Rows that are walked, by how many are wanted."""

WINDOW_MIN = 3_600_000_000 << 10
"""Keys of a window, at least: those of an hour."""

GROWTH = 4


class Span(Struct, frozen=True):
    """Keys from `low` to before `high`, in the order in which they are wanted."""

    low: int
    high: int
    is_newest_first: bool

    @property
    def order(self) -> str:
        return "DESC" if self.is_newest_first else "ASC"

    def after(self, key: int) -> Span:
        """What comes after a key."""
        if self.is_newest_first:
            return Span(self.low, key, True)
        return Span(key + 1, self.high, False)

    def within(self, low: int, high: int) -> Span:
        """The same over no more keys than these."""
        return Span(max(self.low, low), min(self.high, high), self.is_newest_first)

    def split(self, length: int) -> tuple[Span, Span]:
        """The first so many keys, and the rest."""
        if self.is_newest_first:
            at = max(self.low, self.high - length)
            return self.within(at, self.high), self.within(self.low, at)
        at = min(self.high, self.low + length)
        return self.within(self.low, at), self.within(at, self.high)


def keys_in_order(database: Any, search: Search, order: str, limit: int) -> list[int]:
    """The keys that match, the newest first (`desc`) or the oldest, at most `limit`."""
    conditions = conditions_of(database, search)
    if conditions is None or search.low >= search.high:
        return []
    finder = _Finder(database, search.workspace, conditions)
    return finder.find(Span(search.low, search.high, order == "desc"), limit)


class _Finder:
    """Finds in one workspace what meets all of these conditions."""

    def __init__(self, database: Any, workspace: int, conditions: list[Condition]) -> None:
        self._db = database
        self._workspace = workspace
        self._conditions = conditions
        self._lead, self._others = leading(conditions)

    def find(self, span: Span, limit: int) -> list[int]:
        if not self._others:
            return self._walk(span, limit, limit)
        count = min(max(WALK_MIN, 4 * limit), WALK_MAX)
        found = self._walk(span, count, limit)
        if len(found) == limit:
            return found
        walked = self._walked_over(span, count)
        if walked is None:
            return found
        first, last = walked
        rest = span.after(first if span.is_newest_first else last)
        length = max(WINDOW_MIN, last - first)
        return found + self._windows(rest, abs(length), limit - len(found))

    def _walk(self, span: Span, count: int, limit: int) -> list[int]:
        """Those of the first `count` rows of the leading index that meet the other conditions."""
        columns = "*" if self._others else "key"
        rows, values = self._walking(span, count, columns)
        where = " AND ".join(one.sql for one in self._others) or "true"
        values += [value for one in self._others for value in one.values]
        return self._keys(
            f"SELECT key FROM ({rows}) AS walked WHERE {where} ORDER BY key {span.order} LIMIT ?",
            [*values, limit],
        )

    def _walked_over(self, span: Span, count: int) -> tuple[int, int] | None:
        """The lowest and the highest key that were walked; None if they were all there are."""
        rows, values = self._walking(span, count, "key")
        number, first, last = self._db.execute(
            f"SELECT count(*), min(key), max(key) FROM ({rows}) AS walked", values
        ).fetchone()
        return (first, last) if number == count else None

    def _walking(self, span: Span, count: int, columns: str) -> tuple[str, list[Any]]:
        """A query for the first `count` rows that the leading index has, in order, with its
        values."""
        lead = self._lead
        branches: list[tuple[str, list[Any]]] = [("", [])]
        if lead and not lead.keys:
            branches = [(f" AND {lead.sql}", [])]
        elif lead:
            branches = [(f" AND {lead.column} = ?", [key]) for key in lead.keys]
        one = (
            f"(SELECT {columns} FROM activity_index WHERE workspace = ? AND key >= ? AND key < ?"
            "{} " + f"ORDER BY key {span.order} LIMIT ?)"
        )
        rows = " UNION ALL ".join(one.format(sql) for sql, _ in branches)
        values: list[Any] = []
        for _, own in branches:
            values += [self._workspace, span.low, span.high, *own, count]
        if len(branches) == 1:
            return rows, values
        return f"SELECT * FROM ({rows}) AS merged ORDER BY key {span.order} LIMIT ?", [
            *values,
            count,
        ]

    def _windows(self, rest: Span, length: int, limit: int) -> list[int]:
        """The first `limit` keys in a span that meet all conditions."""
        rest = rest.within(*self._ends())
        found: list[int] = []
        where = " AND ".join(one.sql for one in self._conditions)
        values = [value for one in self._conditions for value in one.values]
        while rest.low < rest.high and len(found) < limit:
            length *= GROWTH
            window, rest = rest.split(length)
            # The sum keeps the server from walking in the order of keys: that was tried.
            found += self._keys(
                "SELECT key FROM activity_index WHERE workspace = ? AND key >= ? AND key < ?"
                f" AND {where} ORDER BY key + 0 {window.order} LIMIT ?",
                [self._workspace, window.low, window.high, *values, limit - len(found)],
            )
        return found

    def _ends(self) -> tuple[int, int]:
        """Keys from the workspace's first to after its last."""
        row = self._db.execute(
            "SELECT (SELECT key FROM activity_index WHERE workspace = :w ORDER BY key LIMIT 1),"
            " (SELECT key FROM activity_index WHERE workspace = :w ORDER BY key DESC LIMIT 1)",
            {"w": self._workspace},
        ).fetchone()
        return (row[0], row[1] + 1) if row[0] is not None else (0, 0)

    def _keys(self, sql: str, values: list[Any]) -> list[int]:
        return [row[0] for row in self._db.execute(sql, values)]
