"""Moving activities out of the database, once ClickHouse is known to have them.

What is older than the hot window is compared day by day, by count and by a hash over the canonical
bytes in the order of seq. Then the seam (ledger/older.py) goes forward in small steps of the
writer, each of which takes away what it passes over: at every commit each activity stands on just
one side of it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import Engine

from trailkeeper.clickhouse.connection import Connection
from trailkeeper.clickhouse.search import of_workspace
from trailkeeper.identity.store import Store
from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.backends import backend_of
from trailkeeper.ledger.keys import SLOT_BITS, first_key
from trailkeeper.ledger.older import Seam
from trailkeeper.ledger.search import KEY_MIN
from trailkeeper.ledger.writer import Transaction

DAY_US = 86_400_000_000
READ_ROWS = 1_000
STEP_ROWS = 200
"""So many rows leave in one step of the writer."""

FIRST_SEAM = Seam(KEY_MIN, 0)

log = structlog.get_logger()


class Side(Struct, frozen=True):
    """How many activities a day has on one side, and the hash over them."""

    count: int
    digest: str


class Moved(Struct, frozen=True):
    """How many left the database. `differs` is the first day, in days since 1970, on which the
    copy is not what the database has; it and all later ones stayed."""

    count: int = 0
    differs: int | None = None


class Mover:
    """Moves for one process. Another that moves the same workspace makes it stop."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        connection: Connection,
        closing: threading.Event | None = None,
    ) -> None:
        self._store = store
        self._engine = engine
        self._connection = connection
        self._closing = closing or threading.Event()

    def move(self, workspace: int, before: int, copied: int) -> Moved:
        """Take out what occurred before a time (microseconds) and was copied: its seq is below
        `copied`. Raises StoreUnavailable."""
        seam = self._seam(workspace)
        wanted = Seam(max(seam.key, first_key(before)), max(seam.seq, copied))
        if wanted == seam:
            return Moved()
        here = self._days_here(workspace, wanted)
        differs = self._first_difference(workspace, here, seam, wanted)
        if differs is not None:
            log.error(
                "ClickHouse's copy of a day differs from the database, which keeps it",
                workspace=workspace,
                day=str(differs),
            )
            # What is late by days is compared with its day: without it the seam stays.
            if first_key(differs * DAY_US) < seam.key:
                return Moved(differs=differs)
            wanted = Seam(first_key(differs * DAY_US), wanted.seq)
        count = 0
        for keys, next_seam in self._steps(workspace, seam, wanted):
            moved = self._step(workspace, seam, next_seam, keys)
            if moved is None or self._closing.is_set():
                return Moved(count, differs)
            count, seam = count + moved, next_seam
        return Moved(count, differs)

    def _seam(self, workspace: int) -> Seam:
        with self._reading(workspace) as database:
            row = database.execute(
                "SELECT before_key, before_seq FROM moved WHERE workspace=?", (workspace,)
            ).fetchone()
        return Seam(*row) if row else FIRST_SEAM

    def _days_here(self, workspace: int, wanted: Seam) -> dict[int, Side]:
        """The database has nothing that is below its seam."""
        days: dict[int, Side] = {}
        today, found = 0, list[tuple[int, str]]()
        after = KEY_MIN
        while True:
            with self._reading(workspace) as database:
                rows = database.execute(
                    # The plus sign keeps SQLite from walking the whole workspace.
                    "SELECT key, seq, public, salt, personal FROM activity WHERE +workspace=?"
                    " AND key>? AND key<? AND seq<? ORDER BY key LIMIT ?",
                    (workspace, after, wanted.key, wanted.seq, READ_ROWS),
                ).fetchall()
            for key, seq, public, salt, personal in rows:
                if (day := (key >> SLOT_BITS) // DAY_US) != today and found:
                    days[today] = _side(found)
                    found = []
                today = day
                found.append((seq, _digest(key, public, salt, personal)))
            if len(rows) < READ_ROWS:
                break
            after = rows[-1][0]
        if found:
            days[today] = _side(found)
        return days

    def _first_difference(
        self, workspace: int, here: dict[int, Side], seam: Seam, wanted: Seam
    ) -> int | None:
        condition = of_workspace(workspace, wanted)
        below = f"key < {condition.number(seam.key)} AND seq < {condition.number(seam.seq)}"
        condition.add(f"NOT ({below})")
        day = condition.number(DAY_US)
        rows = self._connection.rows(
            # concat gives NULL for what is erased, without ifNull.
            # Digests go on as hexadecimal text: zeros at their end would be cut off.
            f"SELECT intDiv(at, {day}) AS day, count(), hex(SHA256(arrayStringConcat("
            "arrayMap(one -> one.2, arraySort(one -> one.1, groupArray((seq, hex(SHA256(concat("
            "hex(SHA256(public)), ifNull(salt, ''), ifNull(personal, ''), toString(key)))))))))))"
            f" FROM activity WHERE {condition.text} GROUP BY day",
            condition.values,
        )
        there = {number: Side(count, digest) for number, count, digest in rows}
        days = here.keys() | there.keys()
        return min((day for day in days if here.get(day) != there.get(day)), default=None)

    def _steps(self, workspace: int, seam: Seam, wanted: Seam) -> Iterator[tuple[list[int], Seam]]:
        """The keys that leave at each step, and the seam after it. First the late ones, below the
        seam in time, by seq; then the others by time. Nothing is added to either: all seqs below
        the seam's next one are there."""
        yield from self._in_parts(
            workspace,
            seam.seq,
            wanted.seq,
            "SELECT seq, key FROM activity WHERE workspace=? AND key<? AND seq>=? AND seq<?"
            " ORDER BY seq LIMIT ?",
            (seam.key,),
            lambda last: Seam(seam.key, last),
        )
        yield from self._in_parts(
            workspace,
            seam.key,
            wanted.key,
            "SELECT key, key FROM activity WHERE +workspace=? AND seq<? AND key>=? AND key<?"
            " ORDER BY key LIMIT ?",
            (wanted.seq,),
            lambda last: Seam(last, wanted.seq),
        )

    def _in_parts(
        self,
        workspace: int,
        first: int,
        end: int,
        sql: str,
        fixed: tuple[int, ...],
        seam_at: Callable[[int], Seam],
    ) -> Iterator[tuple[list[int], Seam]]:
        while first < end:
            with self._reading(workspace) as database:
                rows = database.execute(sql, (workspace, *fixed, first, end, STEP_ROWS)).fetchall()
            first = rows[-1][0] + 1 if len(rows) == STEP_ROWS else end
            yield [row[1] for row in rows], seam_at(first)

    def _step(self, workspace: int, seam: Seam, after: Seam, keys: list[int]) -> int | None:
        """How many left; None when somebody else has moved the seam."""

        def work(transaction: Transaction) -> int | None:
            database = transaction.database
            row = database.execute(
                "SELECT before_key, before_seq FROM moved WHERE workspace=?", (workspace,)
            ).fetchone()
            if (Seam(*row) if row else FIRST_SEAM) != seam:
                return None
            database.execute(
                "INSERT INTO moved (workspace, before_key, before_seq) VALUES (?,?,?)"
                " ON CONFLICT (workspace) DO UPDATE SET before_key=excluded.before_key,"
                " before_seq=excluded.before_seq",
                (workspace, after.key, after.seq),
            )
            return len(transaction.move_out(workspace, keys, after.seq)) if keys else 0

        return self._store.change(work)

    def _reading(self, workspace: int) -> AbstractContextManager[Database]:
        return backend_of(self._engine).reading(self._engine, workspace)


def _digest(key: int, public: bytes, salt: bytes | None, personal: bytes | None) -> str:
    row = hashlib.sha256(_hex(hashlib.sha256(public)).encode())
    row.update(salt or b"")
    row.update(personal or b"")
    row.update(b"%d" % key)
    return _hex(row)


def _hex(digest: Any) -> str:
    return digest.hexdigest().upper()


def _side(found: list[tuple[int, str]]) -> Side:
    found.sort()
    whole = hashlib.sha256("".join(digest for _, digest in found).encode())
    return Side(len(found), _hex(whole))
