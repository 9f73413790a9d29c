"""psycopg's connection, and what the ledger asks of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from trailkeeper.ledger.index import Token
from trailkeeper.ledger.keys import SLOT_BITS
from trailkeeper.ledger.postgresql.adapter import Adapted
from trailkeeper.ledger.postgresql.conditions import conditions_of
from trailkeeper.ledger.postgresql.ids import id_key
from trailkeeper.ledger.postgresql.partitions import drop_empty
from trailkeeper.ledger.postgresql.search import keys_in_order
from trailkeeper.ledger.postgresql.words import query_of
from trailkeeper.ledger.search import Search, Term

_HOUR_KEYS = 3_600_000_000 << SLOT_BITS


class Taken(NamedTuple):
    key: int
    seq: int
    action: int
    failed: bool


class PostgresDatabase(Adapted):
    """See the protocol Database in ledger/backend.py."""

    __slots__ = ()

    ONE_OF = " = ANY(?)"

    def listed(self, values: Collection[Any], /) -> list[Any]:
        return list(values)

    def rows_matching(self, search: Search, columns: str, *, order: str, limit: int) -> list[Any]:
        if search.wanted == () and not search.unwanted:
            return self.execute(
                f"SELECT {columns} FROM activity WHERE workspace = ? AND key >= ? AND key < ?"
                f" ORDER BY key {order} LIMIT ?",
                (search.workspace, search.low, search.high, limit),
            ).fetchall()
        keys = keys_in_order(self, search, order, limit)
        if not keys:
            return []
        return self.execute(
            f"SELECT {columns} FROM activity WHERE workspace = ? AND key >= ? AND key <= ?"
            f" AND key = ANY(?) ORDER BY key {order}",
            (search.workspace, min(keys), max(keys), keys),
        ).fetchall()

    def newest_keys(self, search: Search, limit: int) -> list[int]:
        return keys_in_order(self, search, "desc", limit)

    def keys_of(self, search: Search, keys: list[int]) -> set[int]:
        search = search.between(min(keys), max(keys) + 1)
        conditions = conditions_of(self, search)
        if conditions is None or search.low >= search.high:
            return set()
        where = "".join(f" AND {one.sql}" for one in conditions)
        rows = self.execute(
            "SELECT key FROM activity_index WHERE workspace = ? AND key >= ? AND key < ?"
            f" AND key = ANY(?){where}",
            (
                search.workspace,
                search.low,
                search.high,
                keys,
                *(value for one in conditions for value in one.values),
            ),
        )
        return {row[0] for row in rows}

    def keys_between(self, workspace: int, after: int, before: int, limit: int) -> list[int]:
        rows = self.execute(
            "SELECT key FROM activity WHERE workspace = ? AND key > ? AND key < ?"
            " ORDER BY key LIMIT ?",
            (workspace, after, before, limit),
        )
        return [row[0] for row in rows]

    def count_before(self, workspace: int, key: int) -> int:
        # Whole hours are counted already.
        hour = key // _HOUR_KEYS
        return self.execute(
            "SELECT (SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM activity_hour"
            " WHERE workspace = ? AND hour < ?)"
            " + (SELECT count(*) FROM activity WHERE workspace = ? AND key >= ? AND key < ?)",
            (workspace, hour, workspace, hour * _HOUR_KEYS, key),
        ).fetchone()[0]

    def count_naming(self, workspace: int, token: str, limit: int, /) -> int:
        column, key = ("actor" if token[0] == Token.ACTOR else "target"), int(token[1:])
        named: int = self.execute(
            "SELECT count(*) FROM (SELECT 1 FROM activity_index WHERE workspace = ?"
            f" AND {column} = ? LIMIT ?) AS named",
            (workspace, key, limit),
        ).fetchone()[0]
        if named >= limit or not self._is_aside(workspace, key):
            return named
        aside: int = self.execute(
            "SELECT count(*) FROM (SELECT 1 FROM activity_index WHERE workspace = ?"
            f" AND words @@ ?::tsquery AND {column} <> ? LIMIT ?) AS named",
            (workspace, f"'{token}'", key, limit - named),
        ).fetchone()[0]
        return named + aside

    def _is_aside(self, workspace: int, entity: int) -> bool:
        row = self.execute(
            "SELECT is_aside FROM entity WHERE workspace = ? AND key = ?", (workspace, entity)
        ).fetchone()
        return bool(row and row[0])

    def words_with(self, workspace: int, part: str, /, *, at_end: bool, limit: int) -> list[str]:
        # It has letters and digits only, none that means something to LIKE.
        rows = self.execute(
            "SELECT word FROM word WHERE workspace = ? AND word LIKE ? LIMIT ?",
            (workspace, f"%{part}" if at_end else f"%{part}%", limit),
        )
        return [row[0] for row in rows]

    def unused_words(self, workspace: int, words: list[str], /) -> list[str]:
        self._lock(workspace)
        return [word for word in words if not self._has_word(workspace, word)]

    def _has_word(self, workspace: int, word: str) -> bool:
        row = self.execute(
            "SELECT 1 FROM activity_index WHERE workspace = ? AND words @@ ?::tsquery LIMIT 1",
            (workspace, query_of(Term(word))),
        ).fetchone()
        return row is not None

    def drop_words(self, workspace: int, words: list[str], /) -> None:
        self.execute("DELETE FROM word WHERE workspace = ? AND word = ANY(?)", (workspace, words))
        self._change_dictionary(workspace)

    def ends(self, workspace: int, low: int, high: int) -> tuple[int, int]:
        return self.execute(
            "SELECT (SELECT key FROM activity WHERE workspace = :w AND key >= :low"
            " ORDER BY key LIMIT 1), (SELECT key FROM activity WHERE workspace = :w"
            " AND key < :high ORDER BY key DESC LIMIT 1)",
            {"w": workspace, "low": low, "high": high},
        ).fetchone()

    def parts_of(self, workspace: int, id: str) -> tuple[bytes, bytes | None] | None:
        return self.execute(
            "SELECT a.public, a.personal FROM activity_id i JOIN activity a"
            " ON a.workspace = i.workspace AND a.key = i.key AND a.seq = i.seq"
            " WHERE i.workspace = ? AND i.id_key = ?",
            (workspace, id_key(id)),
        ).fetchone()

    def known_ids(self, workspace: int, ids: list[str]) -> set[str]:
        rows = self.execute(
            "SELECT a.id FROM activity_id i JOIN activity a"
            " ON a.workspace = i.workspace AND a.key = i.key AND a.seq = i.seq"
            " WHERE i.workspace = ? AND i.id_key = ANY(?)",
            (workspace, [id_key(id) for id in ids]),
        )
        return {row[0] for row in rows}

    def unnamed(self, workspace: int, entities: list[int], /) -> list[int]:
        self._lock(workspace)
        rows = self.execute(
            "SELECT e.key, e.is_aside FROM entity e WHERE e.workspace = ? AND e.key = ANY(?)"
            " AND NOT EXISTS (SELECT 1 FROM activity_index i WHERE i.workspace = e.workspace"
            " AND i.actor = e.key)"
            " AND NOT EXISTS (SELECT 1 FROM activity_index i WHERE i.workspace = e.workspace"
            " AND i.target = e.key)",
            (workspace, entities),
        ).fetchall()
        return [
            key for key, is_aside in rows if not (is_aside and self._is_named_aside(workspace, key))
        ]

    def drop_entities(self, workspace: int, keys: list[int]) -> None:
        self.execute("DELETE FROM entity WHERE workspace = ? AND key = ANY(?)", (workspace, keys))
        self._change_dictionary(workspace)

    def _change_dictionary(self, workspace: int) -> None:
        """Let other processes forget what they remember of it."""
        self.execute(
            "UPDATE workspace SET dictionary_version = dictionary_version + 1 WHERE key = ?",
            (workspace,),
        )

    def _lock(self, workspace: int) -> None:
        """Keep others from appending to it until the end of the transaction."""
        self.execute("SELECT 1 FROM workspace WHERE key = ? FOR NO KEY UPDATE", (workspace,))

    def _is_named_aside(self, workspace: int, entity: int) -> bool:
        query = f"'{Token.ACTOR}{entity}' | '{Token.TARGET}{entity}'"
        row = self.execute(
            "SELECT 1 FROM activity_index WHERE workspace = ? AND words @@ ?::tsquery LIMIT 1",
            (workspace, query),
        ).fetchone()
        return row is not None

    def tidy(self) -> None:
        drop_empty(self)

    def take(self, workspace: int, keys: list[int], before_seq: int) -> list[Taken]:
        self._lock(workspace)
        rows = self.execute(
            "DELETE FROM activity a USING activity_index i"
            " WHERE a.workspace = ? AND a.key >= ? AND a.key <= ? AND a.key = ANY(?) AND a.seq < ?"
            " AND i.workspace = a.workspace AND i.key = a.key"
            " RETURNING a.key, a.seq, a.action, i.failed, a.id, length(a.content_hash) = 0",
            (workspace, min(keys, default=0), max(keys, default=0), keys, before_seq),
        ).fetchall()
        if not rows:
            return []
        rows.sort()
        self.execute(
            "DELETE FROM activity_index WHERE workspace = ? AND key >= ? AND key <= ?"
            " AND key = ANY(?)",
            (workspace, rows[0][0], rows[-1][0], [row[0] for row in rows]),
        )
        # Ids that were made here nobody sends.
        if made := [id_key(row[4]) for row in rows if row[5]]:
            self.execute(
                "DELETE FROM activity_id WHERE workspace = ? AND id_key = ANY(?)", (workspace, made)
            )
        return [Taken(*row[:4]) for row in rows]
