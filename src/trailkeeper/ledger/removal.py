"""Removing old activities, a small batch at a time, inside the writer's transaction.

Of a removed activity a fingerprint of its id stays for ever, with its seq: an id belongs to one
activity for ever, and a sender who repeats it gets the first answer still.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

from msgspec import Struct

from trailkeeper.ledger import rollup
from trailkeeper.ledger.index import Token
from trailkeeper.ledger.keys import SLOT_BITS
from trailkeeper.ledger.search import keys_matching
from trailkeeper.query.filters import Filter

FINGERPRINT_BYTES = 16


class Removed(Struct, frozen=True, kw_only=True):
    """What one batch has done. `last_key` is where the next one goes on; None at the end."""

    last_key: int | None
    seqs: list[int]
    kept: int
    first_at: int | None = None
    last_at: int | None = None


def fingerprint(id: str) -> bytes:
    """What stays of an id."""
    return hashlib.sha256(id.encode()).digest()[:FINGERPRINT_BYTES]


def candidates(
    database: Any, workspace: int, *, after_key: int, before_key: int, limit: int
) -> list[int]:
    """The keys of a workspace's activities in a range of time, oldest first."""
    rows = database.execute(
        "SELECT rowid FROM activity_index WHERE body MATCH ? AND rowid > ? AND rowid < ?"
        " ORDER BY rowid LIMIT ?",
        (f'"{Token.WORKSPACE}{workspace}"', after_key, before_key, limit),
    )
    return [row[0] for row in rows]


def remove(
    database: Any,
    workspace: int,
    *,
    after_key: int,
    before_key: int,
    before_seq: int,
    holds: list[Filter],
    limit: int,
) -> Removed:
    """Remove up to `limit` activities whose keys lie between the two, but none from `before_seq` on
    and none that a hold matches."""
    keys = candidates(database, workspace, after_key=after_key, before_key=before_key, limit=limit)
    if not keys:
        return Removed(last_key=None, seqs=[], kept=0)
    held: set[int] = set()
    for hold in holds:
        held |= keys_matching(database, workspace, hold, keys)
    wanted = json.dumps([key for key in keys if key not in held])
    rows = database.execute(
        # The plus signs keep SQLite from walking the index over seq instead of looking up the keys.
        "SELECT key, seq, id, received_at, content_hash, action,"
        " json_extract(CAST(public AS TEXT), '$.outcome') = 'failure' FROM activity"
        " WHERE +workspace=? AND +seq<? AND key IN (SELECT value FROM json_each(?)) ORDER BY key",
        (workspace, before_seq, wanted),
    ).fetchall()
    if rows:
        database.executemany(
            "INSERT OR IGNORE INTO removed_activity"
            " (workspace, fingerprint, seq, received_at, content_hash) VALUES (?,?,?,?,?)",
            [
                (workspace, fingerprint(id), seq, received_at, content_hash)
                for _, seq, id, received_at, content_hash, _, _ in rows
                if content_hash  # without it the id was made here, and nobody sends it
            ],
        )
        cells = Counter((rollup.hour_of(row[0]), row[5], bool(row[6])) for row in rows)
        rollup.take_off(database, workspace, cells)
        gone = json.dumps([row[0] for row in rows])
        for table, column in (("activity_index", "rowid"), ("activity", "key")):
            database.execute(
                f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))", (gone,)
            )
    return Removed(
        last_key=keys[-1],
        seqs=[row[1] for row in rows],
        kept=len(keys) - len(rows),
        first_at=rows[0][0] >> SLOT_BITS if rows else None,
        last_at=rows[-1][0] >> SLOT_BITS if rows else None,
    )


def forget_names(
    database: Any, workspace: int, *, after: int, limit: int
) -> tuple[int | None, int]:
    """Remove the dictionary's entries, from the key `after` on, of actors and targets that no
    activity names any more. Returns where to go on, None at the end, and how many were removed."""
    rows = database.execute(
        "SELECT key FROM entity WHERE workspace=? AND key>? ORDER BY key LIMIT ?",
        (workspace, after, limit),
    ).fetchall()
    gone = [key for (key,) in rows if not _is_named(database, key)]
    database.execute(
        "DELETE FROM entity WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(gone),)
    )
    return (rows[-1][0] if rows else None), len(gone)


def _is_named(database: Any, key: int) -> bool:
    indexed = database.execute(
        "SELECT 1 FROM activity_index WHERE body MATCH ? LIMIT 1",
        (f'"{Token.ACTOR}{key}" OR "{Token.TARGET}{key}"',),
    ).fetchone()
    return indexed is not None or _is_fresh(database, key)


def _is_fresh(database: Any, key: int) -> bool:
    row = database.execute(
        "SELECT 1 FROM activity_fresh WHERE instr(body, ?) OR instr(body, ?) LIMIT 1",
        (f"{Token.ACTOR}{key}", f"{Token.TARGET}{key}"),
    ).fetchone()
    return row is not None
