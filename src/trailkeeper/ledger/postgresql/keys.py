"""Free keys for activities (ledger/keys.py), in one workspace: others may have the same."""

from __future__ import annotations

from typing import Any

from trailkeeper.ledger.keys import SLOT_BITS, SLOTS, first_key


def make_keys(database: Any, workspace: int, times: list[int], newest: int) -> list[int]:
    """A free key for each time, inside the transaction that has locked the workspace; equal times
    get rising keys. `newest` is the workspace's highest key."""
    free = _first_free(database, workspace, {at for at in times if first_key(at) <= newest})
    made: set[int] = set()
    keys: list[int] = []
    for at in times:
        key = free.get(at, first_key(at))
        if key - first_key(at) >= SLOTS or key in made:
            key = _free_from(database, workspace, key, made, newest)
        made.add(key)
        keys.append(key)
        free[at] = key + 1
        if (spilled := key >> SLOT_BITS) in free:
            free[spilled] = max(free[spilled], key + 1)
    return keys


def _first_free(database: Any, workspace: int, times: set[int]) -> dict[int, int]:
    """The key after the last one that each time has."""
    if not times:
        return {}
    rows = database.execute(
        "SELECT t, (SELECT max(key) FROM activity WHERE workspace = ? AND key >= t << 10"
        " AND key < (t + 1) << 10) FROM unnest(?::bigint[]) AS t",
        (workspace, list(times)),
    )
    return {at: first_key(at) if last is None else last + 1 for at, last in rows}


def _free_from(database: Any, workspace: int, key: int, made: set[int], newest: int) -> int:
    """The first key from here on that neither the table nor this batch has."""
    while True:
        if key in made:
            key += 1
            continue
        if key > newest:
            return key
        taken = database.execute(
            "SELECT 1 FROM activity WHERE workspace = ? AND key = ?", (workspace, key)
        ).fetchone()
        if not taken:
            return key
        (key,) = database.execute(
            "SELECT a.key + 1 FROM activity a WHERE a.workspace = ? AND a.key >= ? AND NOT EXISTS"
            " (SELECT 1 FROM activity b WHERE b.workspace = a.workspace AND b.key = a.key + 1)"
            " ORDER BY a.key LIMIT 1",
            (workspace, key),
        ).fetchone()
