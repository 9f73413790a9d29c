"""The keys of activities: integers ordered by `occurred_at`, unique in the database.

A key is the time in microseconds times 1,024 plus a slot, so that a range of time is a range of
keys and newest first is key order, in the table and in the inverted index alike. When more than
1,024 activities share a microsecond, the rest take the next free keys after it.
"""

from __future__ import annotations

import json
from typing import Any

SLOT_BITS = 10
SLOTS = 1 << SLOT_BITS
REMEMBERED_MAX = 20_000


def first_key(at: int) -> int:
    """The lowest key of an activity at this time; the end of a range up to it, exclusively."""
    return at << SLOT_BITS


class KeyMaker:
    """Makes keys on one connection, inside its open transaction."""

    def __init__(self, connection: Any) -> None:
        self._db = connection
        self._next: dict[int, int] = {}
        self._newest: int | None = None

    def forget(self) -> None:
        self._next.clear()
        self._newest = None

    def make(self, times: list[int]) -> list[int]:
        """A free key for each time; equal times get rising keys."""
        newest = self._newest
        if newest is None:
            row = self._db.execute("SELECT max(key) FROM activity").fetchone()
            newest = -1 if row[0] is None else row[0] >> SLOT_BITS
        if len(self._next) > REMEMBERED_MAX:
            self._next.clear()
        first = times[0] if times else -1
        if first > newest and len(times) <= SLOTS and times.count(first) == len(times):
            # They are all of one new time, as what comes without times of its own is.
            end = (first << SLOT_BITS) + len(times)
            self._newest, self._next[first] = first, end
            return list(range(first << SLOT_BITS, end))
        unknown = {at for at in times if at <= newest and at not in self._next}
        if unknown:
            self._look_up(unknown)
        made: set[int] = set()
        keys: list[int] = []
        for at in times:
            key = self._next.get(at, at << SLOT_BITS)
            if key - (at << SLOT_BITS) >= SLOTS or key in made:
                key = self._free_from(key, made, newest)
            made.add(key)
            keys.append(key)
            self._next[at] = key + 1
            if (spilled := key >> SLOT_BITS) in self._next:
                self._next[spilled] = max(self._next[spilled], key + 1)
        self._newest = max(newest, max(keys, default=0) >> SLOT_BITS)
        return keys

    def _look_up(self, times: set[int]) -> None:
        rows = self._db.execute(
            "SELECT value, (SELECT max(key) FROM activity WHERE key BETWEEN value << ? AND"
            " (value << ?) + ?) FROM json_each(?)",
            (SLOT_BITS, SLOT_BITS, SLOTS - 1, json.dumps(sorted(times))),
        )
        for at, newest in rows:
            self._next[at] = at << SLOT_BITS if newest is None else newest + 1

    def _free_from(self, key: int, made: set[int], newest: int) -> int:
        """The first key from here on that neither the table, whose newest time is given, nor this
        batch has."""
        while True:
            if key in made:
                key += 1
                continue
            if key >> SLOT_BITS > newest:
                return key
            if not self._db.execute("SELECT 1 FROM activity WHERE key=?", (key,)).fetchone():
                return key
            row = self._db.execute(
                "SELECT a.key + 1 FROM activity a WHERE a.key >= ? AND NOT EXISTS"
                " (SELECT 1 FROM activity b WHERE b.key = a.key + 1) ORDER BY a.key LIMIT 1",
                (key,),
            ).fetchone()
            key = row[0]
