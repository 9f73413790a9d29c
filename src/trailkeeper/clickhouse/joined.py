"""The database and ClickHouse read as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from trailkeeper.clickhouse.connection import Connection
from trailkeeper.clickhouse.search import after, condition_of, of_workspace
from trailkeeper.ledger.backend import Database, Taken
from trailkeeper.ledger.keys import SLOT_BITS, SLOTS, first_key
from trailkeeper.ledger.older import Position, Seam
from trailkeeper.ledger.search import KEY_MAX, KEY_MIN, Search

_READABLE = frozenset({"key", "seq", "public", "personal", "actor", "action", "target"})


class ClickHouseOlder:
    """See the protocol Older in ledger/older.py."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def seam(self, database: Database, workspace: int) -> Seam | None:
        row = database.execute(
            "SELECT before_key, before_seq FROM moved WHERE workspace=?", (workspace,)
        ).fetchone()
        return Seam(*row) if row else None

    def joined(self, database: Database, workspace: int) -> Database:
        seam = self.seam(database, workspace)
        return Joined(database, self._connection, workspace, seam) if seam else database

    def page(
        self,
        database: Database,
        seam: Seam,
        search: Search,
        order: str,
        position: Position | None,
        limit: int,
    ) -> list[Any]:
        is_newest_first = order == "desc"
        rows = _newer(database, search, order, position, limit)
        rows.sort(key=_place, reverse=is_newest_first)
        older = search.between(KEY_MIN, seam.key)
        if len(rows) >= limit:
            # Only what comes before the last of these matters.
            at = rows[limit - 1][0] >> SLOT_BITS
            if is_newest_first:
                older = older.between(first_key(at), KEY_MAX)
            else:
                older = older.between(KEY_MIN, first_key(at + 1))
        if older.low < older.high:
            rows += self._older(older, seam, order, position, limit)
            rows.sort(key=_place, reverse=is_newest_first)
        return rows[:limit]

    def _older(
        self, search: Search, seam: Seam, order: str, position: Position | None, limit: int
    ) -> Sequence[Any]:
        condition = condition_of(search, seam)
        if position is not None:
            after(condition, order, position)
        direction = "DESC" if order == "desc" else "ASC"
        return self._connection.rows(
            f"SELECT key, seq, public, personal FROM activity WHERE {condition.text}"
            f" ORDER BY at {direction}, seq {direction} LIMIT {limit}",
            condition.values,
        )

    def by_seq(
        self, workspace: int, seam: Seam, first: int, end: int, limit: int, search: Search | None
    ) -> list[Any]:
        if first >= seam.seq:
            return []
        condition = condition_of(search, seam) if search else of_workspace(workspace, seam)
        condition.add(f"seq >= {condition.number(first)} AND seq < {condition.number(end)}")
        return list(
            self._connection.rows(
                f"SELECT seq, received_at, public, personal FROM activity WHERE {condition.text}"
                f" ORDER BY seq LIMIT {limit}",
                condition.values,
            )
        )

    def verbatim(self, workspace: int, seam: Seam, first: int, end: int) -> list[Any]:
        return self._in_seqs(
            "seq, received_at, public, salt, personal", workspace, seam, first, end, end - first
        )

    def sizes(self, workspace: int, seam: Seam, first: int, end: int, limit: int) -> list[Any]:
        size = "length(public) + length(ifNull(personal, ''))"
        return self._in_seqs(f"seq, {size}", workspace, seam, first, end, limit)

    def _in_seqs(
        self, columns: str, workspace: int, seam: Seam, first: int, end: int, limit: int
    ) -> list[Any]:
        if first >= seam.seq:
            return []
        condition = of_workspace(workspace, seam)
        condition.add(f"seq >= {condition.number(first)} AND seq < {condition.number(end)}")
        rows = self._connection.rows(
            f"SELECT {columns} FROM activity WHERE {condition.text} ORDER BY seq LIMIT {limit}",
            condition.values,
        )
        return list(rows)

    def latest(self, workspace: int, seam: Seam, role: str, count: int) -> list[int]:
        if role not in ("actor", "target"):
            raise ValueError(f"role is {role!r}")
        condition = of_workspace(workspace, seam)
        # So the index over seq serves; some of them may have been removed.
        condition.add(f"seq >= {condition.number(seam.seq - 2 * count)}")
        rows = self._connection.rows(
            f"SELECT {role} FROM activity WHERE {condition.text}"
            f" GROUP BY {role} ORDER BY max(seq) DESC LIMIT {count}",
            condition.values,
        )
        return [row[0] for row in rows]

    def count_derived(self, workspace: int, seam: Seam, id: str) -> int:
        condition = of_workspace(workspace, seam)
        condition.add(f"startsWith(id, {condition.text_of(f'{id}:')})")
        return self._connection.rows(
            f"SELECT count() FROM activity WHERE {condition.text}", condition.values
        )[0][0]


def _newer(
    database: Database, search: Search, order: str, position: Position | None, limit: int
) -> list[Any]:
    """The database's own rows after a position, at least `limit` of them if there are."""
    columns = "key, seq, public, personal"

    def found(part: Search, most: int) -> list[Any]:
        if part.low >= part.high:
            return []
        return list(database.rows_matching(part, columns, order=order, limit=most))

    if position is None:
        return found(search, limit)
    if position.seq is None:
        return found(search.after(order, position.key), limit)
    at, seq, is_newest_first = position.key >> SLOT_BITS, position.seq, order == "desc"
    rows = [
        row
        for row in found(search.between(first_key(at), first_key(at + 1)), SLOTS)
        if (row[1] < seq if is_newest_first else row[1] > seq)
    ]
    if is_newest_first:
        return rows + found(search.between(KEY_MIN, first_key(at)), limit)
    return rows + found(search.between(first_key(at + 1), KEY_MAX), limit)


def _place(row: Any) -> tuple[int, int]:
    """Where a row stands in a listing."""
    return row[0] >> SLOT_BITS, row[1]


class Joined:
    """See the protocol Database in ledger/backend.py: this one reads both sides of a seam. What
    changes something is the database's alone."""

    def __init__(
        self, database: Database, connection: Connection, workspace: int, seam: Seam
    ) -> None:
        self._database = database
        self._connection = connection
        self._workspace = workspace
        self._seam = seam
        self.execute = database.execute
        self.executemany = database.executemany

    @property
    def ONE_OF(self) -> str:  # noqa: N802 # it is constant
        return self._database.ONE_OF

    def listed(self, values: Collection[Any], /) -> Any:
        return self._database.listed(values)

    def rows_matching(self, search: Search, columns: str, *, order: str, limit: int) -> list[Any]:
        wanted = columns.split(", ")
        if not _READABLE.issuperset(wanted):
            raise ValueError(f"columns are {columns!r}")
        rows = list(self._database.rows_matching(search, columns, order=order, limit=limit))
        is_newest_first = order == "desc"
        if search.low >= self._seam.key or (
            is_newest_first and len(rows) == limit and rows[-1][0] >= self._seam.key
        ):
            return rows
        condition = condition_of(search, self._seam)
        direction = "DESC" if is_newest_first else "ASC"
        rows += self._connection.rows(
            f"SELECT {', '.join(wanted)} FROM activity WHERE {condition.text}"
            f" ORDER BY at {direction}, seq {direction} LIMIT {limit}",
            condition.values,
        )
        return sorted(rows, key=lambda row: row[0], reverse=is_newest_first)[:limit]

    def newest_keys(self, search: Search, limit: int) -> list[int]:
        keys = self._database.newest_keys(search, limit)
        if search.low >= self._seam.key or (len(keys) == limit and keys[-1] >= self._seam.key):
            return keys
        condition = condition_of(search, self._seam)
        more = self._connection.rows(
            f"SELECT key FROM activity WHERE {condition.text}"
            f" ORDER BY at DESC, seq DESC LIMIT {limit}",
            condition.values,
        )
        return sorted([*keys, *(row[0] for row in more)], reverse=True)[:limit]

    def keys_of(self, search: Search, keys: list[int]) -> set[int]:
        condition = condition_of(search.between(min(keys), max(keys) + 1), self._seam)
        condition.add(f"has({condition.value(keys, 'Array(Int64)')}, key)")
        rows = self._connection.rows(
            f"SELECT key FROM activity WHERE {condition.text}", condition.values
        )
        return self._database.keys_of(search, keys) | {row[0] for row in rows}

    def keys_between(self, workspace: int, after: int, before: int, limit: int) -> list[int]:
        return self._database.keys_between(workspace, after, before, limit)

    def count_before(self, workspace: int, key: int) -> int:
        condition = condition_of(Search(workspace, (), high=key), self._seam)
        return self._database.count_before(workspace, key) + self._count(condition)

    def count_naming(self, workspace: int, token: str, limit: int, /) -> int:
        count = self._database.count_naming(workspace, token, limit)
        if count >= limit:
            return count
        condition = of_workspace(workspace, self._seam)
        condition.add(f"has(tokens, {condition.text_of(token)})")
        rows = self._connection.rows(
            "SELECT count() FROM (SELECT 1 FROM activity"
            f" WHERE {condition.text} LIMIT {limit - count})",
            condition.values,
        )
        return count + rows[0][0]

    def words_with(self, workspace: int, part: str, /, *, at_end: bool, limit: int) -> list[str]:
        # Those of what has left are here, too: retention asks ClickHouse before it removes one.
        return self._database.words_with(workspace, part, at_end=at_end, limit=limit)

    def unused_words(self, workspace: int, words: list[str], /) -> list[str]:
        return self._database.unused_words(workspace, words)

    def drop_words(self, workspace: int, words: list[str], /) -> None:
        self._database.drop_words(workspace, words)

    def ends(self, workspace: int, low: int, high: int) -> tuple[int, int]:
        condition = condition_of(Search(workspace, (), low=low, high=high), self._seam)
        rows = self._connection.rows(
            f"SELECT min(key), max(key) FROM activity WHERE {condition.text} HAVING count() > 0",
            condition.values,
        )
        ends = [self._database.ends(workspace, low, high), *rows]
        firsts, lasts = zip(*ends, strict=True)
        return (
            min(key for key in firsts if key is not None),
            max(key for key in lasts if key is not None),
        )

    def parts_of(self, workspace: int, id: str) -> tuple[bytes, bytes | None] | None:
        if (found := self._database.parts_of(workspace, id)) is not None:
            return found
        condition = of_workspace(workspace, self._seam)
        condition.add(f"id = {condition.text_of(id)}")
        rows = self._connection.rows(
            f"SELECT public, personal FROM activity WHERE {condition.text} LIMIT 1",
            condition.values,
        )
        return rows[0] if rows else None

    def known_ids(self, workspace: int, ids: list[str]) -> set[str]:
        condition = of_workspace(workspace, self._seam)
        condition.add(f"has({condition.value(ids, 'Array(String)')}, id)")
        rows = self._connection.rows(
            f"SELECT id FROM activity WHERE {condition.text}", condition.values
        )
        return self._database.known_ids(workspace, ids) | {row[0] for row in rows}

    def unnamed(self, workspace: int, entities: list[int], /) -> list[int]:
        return self._database.unnamed(workspace, entities)

    def drop_entities(self, workspace: int, keys: list[int]) -> None:
        self._database.drop_entities(workspace, keys)

    def tidy(self) -> None:
        self._database.tidy()

    def take(self, workspace: int, keys: list[int], before_seq: int) -> Sequence[Taken]:
        return self._database.take(workspace, keys, before_seq)

    def _count(self, condition: Any) -> int:
        return self._connection.rows(
            f"SELECT count() FROM activity WHERE {condition.text}", condition.values
        )[0][0]
