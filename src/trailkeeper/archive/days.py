"""Closed days, as a log to follow.

A day is that of receipt, in UTC: `received_at` never falls while `seq` rises, so the activities of
a day are a range of seqs, and once the day is over nothing is ever added to it. What occurred long
ago and is recorded late is in the day in which it was recorded.
"""

from __future__ import annotations

from sqlalchemy import select, update

from trailkeeper.activity import now_us
from trailkeeper.archive.archive import Archive, every
from trailkeeper.archive.columns import Stored
from trailkeeper.archive.layout import DAY_US, day_end
from trailkeeper.identity.store import Store
from trailkeeper.ledger.reader import Reader
from trailkeeper.ledger.schema import archive, workspace
from trailkeeper.ledger.writer import Transaction

FILE_ROWS = 50_000
FILE_BYTES = 32 * 1024 * 1024
"""Of the canonical bytes. A file ends where either is reached; it is made in memory."""


class ClosedDays:
    """For the runner. A batch is one file: it ends with its day at the latest."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader

    def next_seq(self, workspace: int) -> int:
        """Up to where days are closed."""
        with self._store.reading() as connection:
            found = connection.execute(
                select(archive.c.closed_seq).where(archive.c.workspace == workspace)
            ).scalar()
        return found or 0

    def end_of_batch(self, workspace: int, first: int, end: int, wants: None) -> int:
        del wants
        received = self._reader.recorded_at(workspace, first)
        if received is None:
            return end
        end = min(end, self.end_of_day(workspace, received))
        rows = self._reader.sizes(workspace, first, end, FILE_ROWS + 1)
        total = 0
        for number, (seq, length) in enumerate(rows):
            total += length
            if number == FILE_ROWS or (number and total > FILE_BYTES):
                return seq
        return end

    def between(self, workspace: int, first: int, end: int, wants: None) -> list[Stored]:
        del wants
        return [Stored(*row) for row in self._reader.verbatim(workspace, first, end)]

    def end_of_day(self, workspace: int, received: int) -> int:
        """The seq after the last activity of the day that a time of receipt is in."""
        return self._reader.seq_at(workspace, day_end(received))


def close_days(store: Store, reader: Reader) -> int:
    """Close, for all archives, the days that are over; returns how many archives got further."""
    now = now_us()
    today = now - now % DAY_US
    with store.reading() as connection:
        behind = [one for one in every(connection) if one.closed_until < today]
    return sum(_close(store, reader, one, today) for one in behind)


def _close(store: Store, reader: Reader, one: Archive, today: int) -> bool:
    """First no activity may be received before `today` any more, whatever process records it and
    however its clock stands: `last_received_at` is what none goes below. Only then all that were
    are there to be counted."""

    def seal(transaction: Transaction) -> None:
        sealed = transaction.connection.execute(
            update(workspace)
            .where(workspace.c.key == one.workspace, workspace.c.last_received_at < today)
            .values(last_received_at=today)
        )
        if sealed.rowcount:
            transaction.forget()  # the appender remembers the time

    def close(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(archive)
            .where(archive.c.key == one.key, archive.c.closed_until < today)
            .values(closed_until=today, closed_seq=max(one.closed_seq, seq))
        )

    store.change(seal)
    seq = reader.seq_at(one.workspace, today)
    store.change(close)
    return seq > one.closed_seq
