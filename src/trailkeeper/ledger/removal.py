"""Removing old activities, a small batch at a time, inside the writer's transaction.

Of a removed activity a fingerprint of its id stays for ever, with its seq: an id belongs to one
activity for ever, and a sender who repeats it gets the first answer still.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection

from msgspec import Struct

from trailkeeper.ledger import rollup
from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.keys import SLOT_BITS
from trailkeeper.ledger.search import search_for
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


def remove(
    database: Database,
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
    keys = database.keys_between(workspace, after_key, before_key, limit)
    if not keys:
        return Removed(last_key=None, seqs=[], kept=0)
    held: set[int] = set()
    for hold in holds:
        held |= database.keys_of(search_for(database, workspace, hold), keys)
    gone = database.take(workspace, [key for key in keys if key not in held], before_seq)
    if gone:
        cells = Counter((rollup.hour_of(one.key), one.action, one.failed) for one in gone)
        rollup.take_off(database, workspace, cells)
    return Removed(
        last_key=keys[-1],
        seqs=[one.seq for one in gone],
        kept=len(keys) - len(gone),
        first_at=gone[0].key >> SLOT_BITS if gone else None,
        last_at=gone[-1].key >> SLOT_BITS if gone else None,
    )


def forget_names(
    database: Database, workspace: int, *, after: int, limit: int, named: Collection[int] = ()
) -> tuple[int | None, int]:
    """Remove the dictionary's entries, from the key `after` on, of actors and targets that no
    activity names any more, here or (`named`) in another store. Returns where to go on, None at the
    end, and how many were removed."""
    rows = database.execute(
        "SELECT key FROM entity WHERE workspace=? AND key>? ORDER BY key LIMIT ?",
        (workspace, after, limit),
    ).fetchall()
    gone = database.unnamed(workspace, [key for (key,) in rows if key not in named])
    if gone:
        database.drop_entities(workspace, gone)
    return (rows[-1][0] if rows else None), len(gone)


def next_words(database: Database, workspace: int, after: str, limit: int) -> list[str]:
    """The words of a workspace that follow this one."""
    rows = database.execute(
        "SELECT word FROM word WHERE workspace=? AND word>? ORDER BY word LIMIT ?",
        (workspace, after, limit),
    ).fetchall()
    return [word for (word,) in rows]


def forget_words(database: Database, workspace: int, words: list[str]) -> int:
    """Remove those of these words that no activity has any more. Returns how many were removed."""
    gone = database.unused_words(workspace, words)
    if gone:
        database.drop_words(workspace, gone)
    return len(gone)
