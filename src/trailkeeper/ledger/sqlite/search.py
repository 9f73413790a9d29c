"""Searching FTS5's index, and the rows that are not in it yet."""

from __future__ import annotations

import json
import re
from operator import itemgetter
from typing import Any

from trailkeeper.ledger.index import Token
from trailkeeper.ledger.search import KEY_MAX, KEY_MIN, Search, Term
from trailkeeper.ledger.sqlite.fresh import matching

_is_hex = re.compile(r"[0-9a-f]*").fullmatch
_IS_NOT_HEX = "word GLOB '*[^0-9a-f]*'"
"""Word for word as in the migration: only so does SQLite know that the index is enough."""


def expression_of(search: Search) -> str | None:
    """A search as an expression of FTS5 over whole rows, but for the keys."""
    if search.wanted is None:
        return None
    wanted = [
        _quoted(terms[0]) if len(terms) == 1 else f"({' OR '.join(map(_quoted, terms))})"
        for terms in search.wanted
    ]
    if not search.is_of_workspace:
        wanted.insert(0, workspace_term(search.workspace))
    expression = " AND ".join(wanted)
    if search.unwanted:
        return f"({expression}) NOT ({' OR '.join(map(_quoted, search.unwanted))})"
    return expression


def workspace_term(workspace: int) -> str:
    return _quoted(Term(f"{Token.WORKSPACE}{workspace}"))


def rows_matching(
    database: Any, search: Search, columns: str, *, order: str, limit: int
) -> list[Any]:
    """See the protocol in ledger/backend.py. It reads no more rows than the limit."""
    expression = expression_of(search)
    if expression is None:
        return []
    # The join is written so that the index leads: it yields the keys in order, and stops early.
    direction = "DESC" if order == "desc" else "ASC"
    rows = database.execute(
        f"SELECT {columns} FROM activity_index AS i CROSS JOIN activity AS a"
        " ON a.key = i.rowid WHERE i.body MATCH ? AND i.rowid >= ? AND i.rowid < ?"
        f" AND a.workspace = ? ORDER BY i.rowid {direction} LIMIT ?",
        (expression, search.low, search.high, search.workspace, limit),
    ).fetchall()
    if fresh := matching(database, expression, search.low, search.high):
        is_newest_first = order == "desc"
        rows += database.execute(
            # Without the plus sign SQLite walks all of the workspace's activities for these keys.
            f"SELECT {columns} FROM activity WHERE +workspace = ?"
            " AND key IN (SELECT value FROM json_each(?))",
            (search.workspace, json.dumps(sorted(fresh, reverse=is_newest_first)[:limit])),
        )
        rows.sort(key=itemgetter(0), reverse=is_newest_first)
    return rows[:limit]


def newest_keys(database: Any, search: Search, limit: int) -> list[int]:
    """The keys that match, the newest first, at most `limit`."""
    expression = expression_of(search)
    if expression is None:
        return []
    rows = database.execute(
        "SELECT rowid FROM activity_index WHERE body MATCH ? AND rowid >= ? AND rowid < ?"
        " ORDER BY rowid DESC LIMIT ?",
        (expression, search.low, search.high, limit),
    )
    keys = [row[0] for row in rows]
    if fresh := matching(database, expression, search.low, search.high):
        keys = sorted(keys + fresh, reverse=True)
    return keys[:limit]


def keys_of(database: Any, search: Search, keys: list[int]) -> set[int]:
    """Which of these keys match: the index is asked for the span of time that they take."""
    search = search.between(min(keys), max(keys) + 1)
    expression = expression_of(search)
    if expression is None or search.low >= search.high:
        return set()
    found = database.execute(
        "SELECT rowid FROM activity_index WHERE body MATCH ? AND rowid >= ? AND rowid < ?",
        (expression, search.low, search.high),
    )
    matched = {row[0] for row in found}
    matched.update(matching(database, expression, search.low, search.high))
    return matched & set(keys)


def words_with(database: Any, workspace: int, part: str, *, at_end: bool, limit: int) -> list[str]:
    """The words of a log that have this part, or end with it, at most `limit`.

    All are looked through. What makes them many are numbers and parts of UUIDs: the words that are
    none have an index of their own, which is enough for a part that no such number has.
    """
    condition = "substr(word, -length(:part)) = :part" if at_end else "instr(word, :part)"
    source = "word"
    if not _is_hex(part):
        source = "word INDEXED BY ix_word_not_hex"
        condition = f"{_IS_NOT_HEX} AND {condition}"
    rows = database.execute(
        f"SELECT word FROM {source} WHERE workspace = :workspace AND {condition} LIMIT :limit",
        {"workspace": workspace, "part": part, "limit": limit},
    )
    return [row[0] for row in rows]


def has_word(database: Any, workspace: int, word: str) -> bool:
    """Whether an activity of a workspace has this word."""
    expression = expression_of(Search(workspace, ((Term(word),),)))
    row = database.execute(
        "SELECT 1 FROM activity_index WHERE body MATCH ? LIMIT 1", (expression,)
    ).fetchone()
    return bool(row or matching(database, expression or "", KEY_MIN, KEY_MAX))


def _quoted(term: Term) -> str:
    """A term as a string of FTS5's query syntax."""
    return '"' + term.text.replace('"', '""') + ('"*' if term.is_prefix else '"')
