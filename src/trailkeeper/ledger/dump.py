"""Reading a log from end to end: what matches a filter, in chunks, as it stood at the start.

A dump holds what was recorded before its `end_seq` and is still there when it comes by: activities
that are recorded meanwhile are passed over, and what retention removes meanwhile is not in it. Each
chunk is a read transaction of its own. One over the whole dump would keep the write-ahead log from
being moved into the database for minutes, and it would grow by all that is recorded meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Engine, event

from trailkeeper.activity import now_us
from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.backends import backend_of
from trailkeeper.ledger.counts import count_between
from trailkeeper.ledger.older import Older, Position, rows_of_page
from trailkeeper.ledger.search import KEY_MAX, KEY_MIN, search_for
from trailkeeper.query.filters import Filter

Order = Literal["desc", "asc"]

CHUNK_ROWS = 2_000
CHUNK_BYTES = 8 * 1024 * 1024
"""A chunk that had more bytes makes the next ones shorter, so that memory stays flat."""

ROWS_MIN = 50


class Row(NamedTuple):
    """An activity's place and its canonical bytes; `personal` is None once it is erased."""

    key: int
    seq: int
    public: bytes
    personal: bytes | None


def frozen(asked: Filter) -> Filter:
    """The same filter with the past hour being that of now, also when it is read later."""
    if asked.within is None:
        return asked
    since = now_us() - asked.within * 1_000_000
    return replace(asked, since=max(since, asked.since or 0), within=None)


class Dump:
    """What of a workspace's log matches a frozen filter and has a seq below `end_seq`, by
    `occurred_at`, then seq: the newest first (`desc`) or the oldest (`asc`). What has left the
    database is read from `older`, which may raise StoreUnavailable."""

    def __init__(
        self,
        engine: Engine,
        workspace: int,
        asked: Filter,
        *,
        order: Order,
        end_seq: int,
        older: Older | None = None,
    ) -> None:
        self._engine = engine
        self._older = older
        self._backend = backend_of(engine)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "checkout", _unmap)
        self._workspace = workspace
        self._asked = asked
        self._order: Order = order
        self._end = end_seq

    def count(self) -> int | None:
        """About how many activities that will be; None where it would take long to count them."""
        with self._reading() as own:
            database = self._older.joined(own, self._workspace) if self._older else own
            counts = count_between(database, self._workspace, self._asked, [KEY_MIN, KEY_MAX])
        return min(counts.matches[0], self._end) if counts.exact else None

    def chunks(self) -> Iterator[list[Row]]:
        """The activities, in lists that are never empty. No more than one is held at a time."""
        limit = CHUNK_ROWS
        position: Position | None = None
        with self._reading() as database:
            search = search_for(database, self._workspace, self._asked)
        while True:
            with self._reading() as database:
                rows = rows_of_page(database, self._older, search, self._order, position, limit)
            if wanted := [Row(*row) for row in rows if row[1] < self._end]:
                yield wanted
            if len(rows) < limit:
                return
            position = Position(*rows[-1][:2])
            limit = _next_limit(rows)

    def _reading(self) -> AbstractContextManager[Database]:
        return self._backend.reading(self._engine, self._workspace)


def _unmap(connection: Any, _record: Any, _proxy: Any) -> None:
    # What is read through the map of the file counts as this process's memory.
    connection.execute("PRAGMA mmap_size=0").fetchall()


def _next_limit(rows: list[Any]) -> int:
    size = sum(len(row[2]) + len(row[3] or b"") for row in rows)
    return max(ROWS_MIN, min(CHUNK_ROWS, CHUNK_BYTES * len(rows) // max(size, 1)))
