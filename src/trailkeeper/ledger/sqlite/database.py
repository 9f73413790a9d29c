"""The driver's connection, and what the ledger asks of it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, NamedTuple

from trailkeeper.ledger.index import Token
from trailkeeper.ledger.removal import fingerprint
from trailkeeper.ledger.search import KEY_MIN, Search
from trailkeeper.ledger.sqlite.fresh import count_with, matching
from trailkeeper.ledger.sqlite.search import (
    has_word,
    keys_of,
    newest_keys,
    rows_matching,
    words_with,
    workspace_term,
)


class Taken(NamedTuple):
    key: int
    seq: int
    action: int
    failed: bool


class SqliteDatabase:
    """See the protocol Database in ledger/backend.py."""

    ONE_OF = " IN (SELECT value FROM json_each(?))"

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.execute = raw.execute
        self.executemany = raw.executemany

    def listed(self, values: Collection[Any], /) -> str:
        return json.dumps(list(values))

    def rows_matching(self, search: Search, columns: str, *, order: str, limit: int) -> list[Any]:
        return rows_matching(self.raw, search, columns, order=order, limit=limit)

    def newest_keys(self, search: Search, limit: int) -> list[int]:
        return newest_keys(self.raw, search, limit)

    def keys_of(self, search: Search, keys: list[int]) -> set[int]:
        return keys_of(self.raw, search, keys)

    def keys_between(self, workspace: int, after: int, before: int, limit: int) -> list[int]:
        rows = self.execute(
            "SELECT rowid FROM activity_index WHERE body MATCH ? AND rowid > ? AND rowid < ?"
            " ORDER BY rowid LIMIT ?",
            (workspace_term(workspace), after, before, limit),
        )
        return [row[0] for row in rows]

    def count_before(self, workspace: int, key: int) -> int:
        term = workspace_term(workspace)
        indexed: int = self.execute(
            "SELECT count(*) FROM activity_index WHERE body MATCH ? AND rowid < ?", (term, key)
        ).fetchone()[0]
        return indexed + len(matching(self.raw, term, KEY_MIN, key))

    def count_naming(self, _workspace: int, token: str, limit: int, /) -> int:
        # The key in the token is of one workspace.
        indexed: int = self.execute(
            "SELECT count(*) FROM (SELECT rowid FROM activity_index WHERE body MATCH ? LIMIT ?)",
            (f'"{token}"', limit),
        ).fetchone()[0]
        return indexed if indexed >= limit else min(limit, indexed + count_with(self.raw, token))

    def words_with(self, workspace: int, part: str, /, *, at_end: bool, limit: int) -> list[str]:
        return words_with(self.raw, workspace, part, at_end=at_end, limit=limit)

    def unused_words(self, workspace: int, words: list[str], /) -> list[str]:
        return [word for word in words if not has_word(self.raw, workspace, word)]

    def drop_words(self, workspace: int, words: list[str], /) -> None:
        self.execute(
            f"DELETE FROM word WHERE workspace=? AND word{self.ONE_OF}",
            (workspace, self.listed(words)),
        )

    def ends(self, workspace: int, low: int, high: int) -> tuple[int, int]:
        # Within an hour the activities of all workspaces follow each other.
        return self.execute(
            "SELECT (SELECT key FROM activity WHERE key>=? AND +workspace=? ORDER BY key LIMIT 1),"
            " (SELECT key FROM activity WHERE key<? AND +workspace=? ORDER BY key DESC LIMIT 1)",
            (low, workspace, high, workspace),
        ).fetchone()

    def parts_of(self, workspace: int, id: str) -> tuple[bytes, bytes | None] | None:
        return self.execute(
            "SELECT public, personal FROM activity WHERE workspace=? AND id=?", (workspace, id)
        ).fetchone()

    def known_ids(self, workspace: int, ids: list[str]) -> set[str]:
        rows = self.execute(
            f"SELECT id FROM activity WHERE workspace=? AND id{self.ONE_OF}",
            (workspace, self.listed(ids)),
        )
        return {row[0] for row in rows}

    def unnamed(self, _workspace: int, entities: list[int], /) -> list[int]:
        return [key for key in entities if not self._is_named(key)]

    def drop_entities(self, workspace: int, keys: list[int]) -> None:
        self.execute(
            f"DELETE FROM entity WHERE workspace=? AND key{self.ONE_OF}",
            (workspace, self.listed(keys)),
        )

    def _is_named(self, key: int) -> bool:
        indexed = self.execute(
            "SELECT 1 FROM activity_index WHERE body MATCH ? LIMIT 1",
            (f'"{Token.ACTOR}{key}" OR "{Token.TARGET}{key}"',),
        ).fetchone()
        return indexed is not None or self._is_fresh(key)

    def _is_fresh(self, key: int) -> bool:
        row = self.execute(
            "SELECT 1 FROM activity_fresh WHERE instr(body, ?) OR instr(body, ?) LIMIT 1",
            (f"{Token.ACTOR}{key}", f"{Token.TARGET}{key}"),
        ).fetchone()
        return row is not None

    def tidy(self) -> None:
        """Free pages are used again."""

    def take(self, workspace: int, keys: list[int], before_seq: int) -> list[Taken]:
        rows = self.execute(
            # The plus signs keep SQLite from walking the index over seq instead of looking up the
            # keys.
            "SELECT key, seq, id, received_at, content_hash, action,"
            " json_extract(CAST(public AS TEXT), '$.outcome') = 'failure' FROM activity"
            f" WHERE +workspace=? AND +seq<? AND key{self.ONE_OF} ORDER BY key",
            (workspace, before_seq, self.listed(keys)),
        ).fetchall()
        if not rows:
            return []
        self.executemany(
            "INSERT OR IGNORE INTO removed_activity"
            " (workspace, fingerprint, seq, received_at, content_hash) VALUES (?,?,?,?,?)",
            [
                (workspace, fingerprint(id), seq, received_at, content_hash)
                for _, seq, id, received_at, content_hash, _, _ in rows
                if content_hash  # without it the id was made here, and nobody sends it
            ],
        )
        gone = self.listed([row[0] for row in rows])
        for table, column in (("activity_index", "rowid"), ("activity", "key")):
            self.execute(f"DELETE FROM {table} WHERE {column}{self.ONE_OF}", (gone,))
        return [Taken(row[0], row[1], row[5], bool(row[6])) for row in rows]
