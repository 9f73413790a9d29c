"""An archive at work: a batch becomes a file, and the last one of a day its manifest.

Names and contents are made of the batch alone, so that a second try writes the same. A day is in
the archive once its manifest is written; until then a file that is there otherwise, from a try
before something was erased or a library was renewed, is written anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from trailkeeper.archive import records
from trailkeeper.archive.archive import Archive, find
from trailkeeper.archive.columns import Stored, parquet_of
from trailkeeper.archive.days import ClosedDays
from trailkeeper.archive.layout import (
    PARQUET_TYPE,
    date_of,
    file_name,
    file_of,
    manifest_of,
)
from trailkeeper.archive.manifest import (
    FileEntry,
    Manifest,
    NotAManifest,
    canonical_hash,
    decoded,
    encoded,
    entries,
    manifest,
    sha256,
)
from trailkeeper.archive.place import Place
from trailkeeper.catalogue.vocabulary import Vocabulary
from trailkeeper.followers.follower import Batch, DeliveryFailed, Limits
from trailkeeper.identity.store import Store
from trailkeeper.ledger.writer import Transaction
from trailkeeper.streaming.destination import shortened
from trailkeeper.streaming.object_store import OtherContent

ALL = 1 << 40
"""The source says where a batch ends."""


class ArchiveWork:
    """For the runner."""

    limits = Limits(items=ALL, linger_s=0.0)
    wants = None

    def __init__(
        self,
        store: Store,
        days: ClosedDays,
        one: Archive,
        place: Place,
        words: Callable[[int], Vocabulary],
    ) -> None:
        self._store = store
        self._days = days
        self._archive = one
        self._place = place
        self._words = words
        self.destination = one.destination

    def do(self, batch: Batch[Stored]) -> int:
        date = date_of(batch.items[0].received_at)
        self._finish_days_before(date)
        if self._is_there(date, batch):
            return 0
        if (entry := self._write_file(date, batch)) is None:
            return 0
        self._change(
            lambda transaction: records.keep_file(transaction.connection, self._archive.key, entry)
        )
        end = self._days.end_of_day(batch.workspace, batch.items[0].received_at)
        if batch.end >= end:
            self._finish_day(date)
        return entry.bytes

    def close(self) -> None:
        self._place.close()

    # --- Inside

    def _write_file(self, date: str, batch: Batch[Stored]) -> FileEntry | None:
        """None where the day turns out to be in the archive already, packed otherwise."""
        rows = batch.items
        body, occurred_first, occurred_last = parquet_of(rows, self._words(batch.workspace))
        entry = FileEntry(
            date=date,
            first_seq=batch.first,
            end_seq=batch.end,
            count=len(rows),
            erased=sum(row.personal is None for row in rows),
            bytes=len(body),
            sha256=sha256(body),
            canonical_sha256=canonical_hash(row.public for row in rows),
            occurred_first=occurred_first,
            occurred_last=occurred_last,
            received_first=rows[0].received_at,
            received_last=rows[-1].received_at,
        )
        name = file_of(self._archive.workspace_id, date, batch.first, batch.end)
        try:
            self._place.put(name, body, PARQUET_TYPE)
        except OtherContent:
            if found := self._manifest(date):
                self._take_over(*found, batch)
                return None
            self._place.overwrite(name, body, PARQUET_TYPE)
        return entry

    def _finish_days_before(self, date: str) -> None:
        """Those whose last activities were removed before they came here have no last batch."""
        with self._store.reading() as connection:
            unfinished = records.unfinished_dates(connection, self._archive.key, date)
        for one in unfinished:
            self._finish_day(one)

    def _finish_day(self, date: str) -> None:
        with self._store.reading() as connection:
            files = records.files_of(connection, self._archive.key, date)
            before = records.last_before(connection, self._archive.key, date)
        names = [file_name(one.first_seq, one.end_seq) for one in files]
        previous = before.manifest_sha256 if before else None
        body = encoded(manifest(self._archive.workspace_id, date, files, names, previous))
        path = manifest_of(self._archive.workspace_id, date)
        try:
            self._place.put(path, body, "application/json")
        except OtherContent:
            found = self._manifest(date)
            if found is None or found[0].files != decoded(body).files:
                raise
            # What came before it in the archive may have been removed since.
            body = encoded(found[0])
        self._keep_day(date, files, sha256(body))

    def _is_there(self, date: str, batch: Batch[Stored]) -> bool:
        """Whether the day is in the archive already: written before a crash, or by an archive that
        was in this place before, which is taken over."""
        with self._store.reading() as connection:
            known = records.day(connection, self._archive.key, date)
            begun = records.files_of(connection, self._archive.key, date)
        if known is not None:
            if known.end_seq < batch.end:
                raise self._other(date, f"ends before seq {known.end_seq}")
            return True
        if begun or (found := self._manifest(date)) is None:
            return False
        self._take_over(*found, batch)
        return True

    def _take_over(self, there: Manifest, digest: str, batch: Batch[Stored]) -> None:
        """Raises DeliveryFailed where it is not what this archive would have written."""
        try:
            files = entries(there)
        except NotAManifest as error:
            raise self._other(there.date, str(error)) from None
        if there.workspace != self._archive.workspace_id:
            raise self._other(there.date, "is of another workspace")
        if [one.name for one in there.files] != [
            file_name(one.first_seq, one.end_seq) for one in files
        ]:
            raise self._other(there.date, "names files that this version does not write")
        if there.end_seq < batch.end:
            raise self._other(there.date, f"ends before seq {batch.end}")
        canonical = canonical_hash(row.public for row in batch.items)
        for one in files:
            same = (one.first_seq, one.end_seq, one.count) == (
                batch.first,
                batch.end,
                len(batch.items),
            )
            if same and one.canonical_sha256 != canonical:
                raise self._other(there.date, "tells of other activities")
        self._keep_day(there.date, files, digest)

    def _manifest(self, date: str) -> tuple[Manifest, str] | None:
        """The one that is there, and its hash."""
        with contextlib.suppress(FileNotFoundError):
            body = self._place.read(manifest_of(self._archive.workspace_id, date))
            try:
                found = decoded(body)
            except NotAManifest as error:
                raise self._other(date, str(error)) from None
            if found.date != date:
                raise self._other(date, f"is of {found.date[:20]!r}")
            return found, sha256(body)
        return None

    def _other(self, date: str, why: str) -> DeliveryFailed:
        name = manifest_of(self._archive.workspace_id, date)
        words = (
            f"There is a manifest {name} already, which {why}. It is not overwritten: choose"
            " another place for the archive, or remove what is there"
        )
        return DeliveryFailed(shortened(words), is_final=True)

    def _keep_day(self, date: str, files: list[FileEntry], digest: str) -> None:
        self._change(
            lambda transaction: records.keep_day(
                transaction.connection, self._archive.key, date, files, digest
            )
        )

    def _change(self, do: Callable[[Transaction], None]) -> None:
        """Raises DeliveryFailed where the archive was deleted or is elsewhere now."""

        def work(transaction: Transaction) -> None:
            one = find(transaction.connection, self._archive.workspace)
            if one is None or one.key != self._archive.key:
                raise DeliveryFailed("The archive was changed meanwhile")
            do(transaction)

        self._store.change(work)
