"""What archives need besides their followers: days are closed when they are over, and days whose
time is over are removed, unless a legal hold holds something in them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from msgspec import Struct
from sqlalchemy import update

from trailkeeper.activity import ActivityInput, Target, now_us
from trailkeeper.archive import records
from trailkeeper.archive.archive import NAME, Archive, every
from trailkeeper.archive.days import close_days
from trailkeeper.archive.layout import DAY_US, days_before, file_of, manifest_of
from trailkeeper.archive.owner import ACTOR
from trailkeeper.archive.place import Place
from trailkeeper.archive.search import ArchiveSearch
from trailkeeper.identity.store import Store
from trailkeeper.ledger.reader import Reader
from trailkeeper.ledger.schema import archive
from trailkeeper.ledger.writer import Transaction
from trailkeeper.retention.holds import active

LOOK_S = 20.0

log = structlog.get_logger()


class Removed(Struct, frozen=True):
    """The days that were removed, and those that are old enough and held."""

    days: list[str]
    held: list[str]
    count: int = 0


class Keeper:
    """For all archives of an installation, from `start` to `close`. `look` wakes the followers."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        opened: Callable[[Archive], Place],
        search: ArchiveSearch,
        look: Callable[[], None],
    ) -> None:
        self._store = store
        self._reader = reader
        self._opened = opened
        self._search = search
        self._look = look
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="archives", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look(self) -> None:
        """Look at once: an archive was set up or changed."""
        self._wake.set()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def close_days(self) -> None:
        """Those that are over, now."""
        if close_days(self._store, self._reader):
            self._look()

    def remove_old(self, one: Archive) -> Removed:
        """Remove the days of an archive that are older than it keeps them; recorded if there were
        any. Days are as old as their date. Raises DeliveryFailed, ArchiveUnavailable."""
        if one.keep_days is None:
            return Removed([], [])
        before = days_before(now_us(), one.keep_days)
        with self._store.reading() as connection:
            old = [day for day in records.days(connection, one.key) if day.date < before]
        if not old:
            return Removed([], [])
        gone, held, count = list[str](), list[str](), 0
        place = self._opened(one)
        try:
            for day in old:
                if self._closing.is_set():
                    break
                if not day.removing and self._is_held(one, place, day.date):
                    held.append(day.date)
                    continue
                count += self._remove(one, place, day.date)
                gone.append(day.date)
        finally:
            place.close()
            if gone:
                self._record(one, gone, count)
        return Removed(gone, held, count)

    def _loop(self) -> None:
        while not self._closing.is_set():
            try:
                self.close_days()
                self._sweep()
            except Exception:
                log.exception("looking after the archives failed; it is tried again")
            self._wake.wait(LOOK_S)
            self._wake.clear()

    def _sweep(self) -> None:
        with self._store.reading() as connection:
            due = [one for one in every(connection) if one.keep_days is not None]
        for one in due:
            if not self._closing.is_set() and self._claim(one):
                try:
                    self.remove_old(one)
                except Exception:
                    log.exception("old days of an archive could not be removed", archive=one.id)

    def _claim(self, one: Archive) -> bool:
        """Whether this process looks for old days of it today."""
        at = now_us()

        def work(transaction: Transaction) -> bool:
            claimed = transaction.connection.execute(
                update(archive)
                .where(archive.c.key == one.key, archive.c.swept_at < at - DAY_US)
                .values(swept_at=at)
            )
            return bool(claimed.rowcount)

        return self._store.change(work)

    def _is_held(self, one: Archive, place: Place, date: str) -> bool:
        with self._store.reading() as connection:
            holds = active(connection, one.workspace)
            files = records.files_of(connection, one.key, date)
        if any(hold.is_empty for hold in holds):
            return True
        return any(self._search.any_in(one, place, files, hold) for hold in holds)

    def _remove(self, one: Archive, place: Place, date: str) -> int:
        """The manifest goes first: what is left without one is not in the archive. Returns how many
        activities were in it."""
        with self._store.reading() as connection:
            files = records.files_of(connection, one.key, date)
        self._store.change(
            lambda transaction: records.mark_removing(transaction.connection, one.key, date)
        )
        place.remove(manifest_of(one.workspace_id, date))
        for file in files:
            place.remove(file_of(one.workspace_id, date, file.first_seq, file.end_seq))
        self._store.change(
            lambda transaction: records.drop_day(transaction.connection, one.key, date)
        )
        return sum(file.count for file in files)

    def _record(self, one: Archive, gone: list[str], count: int) -> None:
        sent = ActivityInput(
            action="archive.days_removed",
            actor=ACTOR,
            targets=[Target(type="archive", id=one.id, name=NAME)],
            details={
                "days": len(gone),
                "first_day": gone[0],
                "last_day": gone[-1],
                "count": count,
            },
        )
        self._store.change(lambda transaction: self._store.record(transaction, one.workspace, sent))
