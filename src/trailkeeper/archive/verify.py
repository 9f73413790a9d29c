"""Is an archive what was written? Counts and hashes are worked out again from the files and
compared with the manifests, and the manifests with what the database knows of them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from typing import Any

from msgspec import Struct

from trailkeeper.archive import records
from trailkeeper.archive.archive import Archive
from trailkeeper.archive.extra import require_extra
from trailkeeper.archive.layout import file_name, folder_of, manifest_of
from trailkeeper.archive.manifest import (
    FileEntry,
    Manifest,
    NotAManifest,
    canonical_hash,
    decoded,
    entries,
    sha256,
)
from trailkeeper.archive.place import Place
from trailkeeper.archive.records import Day
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.identity.store import Store


class Trouble(Struct, frozen=True):
    """What is wrong with a file, which is named as it stands in the archive."""

    name: str
    what: str


class Verified(Struct, frozen=True, kw_only=True):
    """What was looked at, and all that is wrong."""

    days: int
    files: int
    activities: int
    bytes: int
    troubles: list[Trouble]


def verify(
    store: Store, one: Archive, opened: Callable[[Archive], Place], since: str = "", until: str = ""
) -> Verified:
    """Look at all days, or at those from one date to another (both included). Raises
    ArchiveUnavailable without the extra, InvalidInput where the archive cannot be opened."""
    require_extra()
    with store.reading() as connection:
        every = [day for day in records.days(connection, one.key) if not day.removing]
        known = {day.date: records.files_of(connection, one.key, day.date) for day in every}
        begun = set(records.unfinished_dates(connection, one.key, "9"))
    days = [day for day in every if day.date >= since and (not until or day.date <= until)]
    before = {day.date: earlier for earlier, day in pairwise(every)}
    place = opened(one)
    try:
        checks = [_Check(one, place, day, known[day.date], before.get(day.date)) for day in days]
        troubles = [trouble for check in checks for trouble in check.run()]
        if not since and not until:
            troubles += _foreign_days(one, place, {day.date for day in every} | begun)
    finally:
        place.close()
    files = [file for day in days for file in known[day.date]]
    return Verified(
        days=len(days),
        files=len(files),
        activities=sum(file.count for file in files),
        bytes=sum(file.bytes for file in files),
        troubles=troubles,
    )


class _Check:
    """Of one day."""

    def __init__(
        self,
        one: Archive,
        place: Place,
        day: Day,
        known: list[FileEntry],
        before: Day | None,
    ) -> None:
        self._one = one
        self._place = place
        self._day = day
        self._known = known
        self._before = before
        self._folder = folder_of(one.workspace_id, day.date)
        self._manifest = manifest_of(one.workspace_id, day.date)

    def run(self) -> Iterator[Trouble]:
        yield from self._check_manifest()
        for file in self._known:
            yield from self._check_file(file)
        yield from self._foreign_files()

    def _check_manifest(self) -> Iterator[Trouble]:
        try:
            body = self._place.read(self._manifest)
        except FileNotFoundError:
            yield Trouble(self._manifest, "is missing")
            return
        except DeliveryFailed as error:
            yield Trouble(self._manifest, f"cannot be read: {error.why}")
            return
        if sha256(body) != self._day.manifest_sha256:
            yield Trouble(self._manifest, "is not the one that was written: its SHA-256 is another")
        try:
            there = decoded(body)
            files = entries(there)
        except NotAManifest as error:
            yield Trouble(self._manifest, str(error))
            return
        if files != self._known:
            yield Trouble(self._manifest, "names other files than were written")
        yield from self._counts(there)
        yield from self._chain(there)

    def _chain(self, there: Manifest) -> Iterator[Trouble]:
        """Days that name each other's manifests follow each other; between others one was removed
        because its time was over."""
        if self._before is None:
            return
        is_next = self._before.end_seq == self._day.first_seq
        names_it = there.previous_sha256 == self._before.manifest_sha256
        if names_it and not is_next:
            yield Trouble(
                self._manifest,
                f"begins with seq {self._day.first_seq}, but the day before it,"
                f" {self._before.date}, ends before {self._before.end_seq}",
            )
        elif is_next and not names_it:
            yield Trouble(
                self._manifest, f"does not name the manifest of {self._before.date} before it"
            )

    def _counts(self, there: Manifest) -> Iterator[Trouble]:
        count = sum(file.count for file in there.files)
        first, end = self._known[0].first_seq, self._known[-1].end_seq
        told = (there.first_seq, there.end_seq, there.count, there.removed, there.erased)
        real = (first, end, count, end - first - count, sum(one.erased for one in there.files))
        if told != real:
            yield Trouble(self._manifest, f"says {told}, but its files give {real}")

    def _check_file(self, file: FileEntry) -> Iterator[Trouble]:
        name = f"{self._folder}/{file_name(file.first_seq, file.end_seq)}"
        try:
            body = self._place.read(name)
        except FileNotFoundError:
            yield Trouble(name, "is missing")
            return
        except DeliveryFailed as error:
            yield Trouble(name, f"cannot be read: {error.why}")
            return
        if len(body) != file.bytes:
            yield Trouble(name, f"has {len(body)} bytes instead of {file.bytes}")
        if sha256(body) != file.sha256:
            yield Trouble(name, "has another SHA-256 than its manifest says")
        try:
            rows = _rows(body)
        except Exception as error:  # noqa: BLE001 # a damaged file fails in many ways
            first = str(error).partition("\n")[0][:200]
            yield Trouble(name, f"cannot be read as Parquet: {first}")
            return
        yield from (Trouble(name, what) for what in _wrong(rows, file))

    def _foreign_files(self) -> Iterator[Trouble]:
        """What is in the folder is read by whoever reads the folder."""
        expected = {
            self._manifest,
            *(f"{self._folder}/{file_name(one.first_seq, one.end_seq)}" for one in self._known),
        }
        try:
            there = self._place.names(self._folder + "/")
        except DeliveryFailed as error:
            yield Trouble(self._folder, f"cannot be listed: {error.why}")
            return
        for name in there:
            if name not in expected:
                yield Trouble(name, "is in no manifest, and nothing that was written")


def _foreign_days(one: Archive, place: Place, known: set[str]) -> Iterator[Trouble]:
    """Folders of days that the database does not know."""
    above = f"workspace={one.workspace_id}/"
    try:
        names = place.names(above)
    except DeliveryFailed as error:
        yield Trouble(above, f"cannot be listed: {error.why}")
        return
    for name in names:
        folder = name.removeprefix(above).partition("/")[0]
        if folder.removeprefix("date=") not in known:
            yield Trouble(name, "is of a day that is not in the archive")


def _rows(body: bytes) -> list[dict[str, Any]]:
    parquet: Any = import_module("pyarrow.parquet")
    columns = ["seq", "occurred_at", "received_at", "erased", "public", "salt", "personal"]
    table = parquet.read_table(io.BytesIO(body), columns=columns)
    us = import_module("pyarrow").int64()
    for name in ("occurred_at", "received_at"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, table.column(name).cast(us))
    return table.to_pylist()


def _wrong(rows: list[dict[str, Any]], file: FileEntry) -> Iterator[str]:
    if len(rows) != file.count:
        yield f"has {len(rows)} activities instead of {file.count}"
    seqs = [row["seq"] for row in rows]
    in_order = all(seq < following for seq, following in pairwise(seqs))
    if not in_order or (seqs and not file.first_seq <= seqs[0] <= seqs[-1] < file.end_seq):
        yield f"does not have seqs from {file.first_seq} to {file.end_seq - 1} in order"
    if canonical_hash(row["public"] for row in rows) != file.canonical_sha256:
        yield "has other public parts than its manifest says"
    if sum(row["erased"] for row in rows) != file.erased:
        yield f"does not have {file.erased} erased activities"
    if broken := [row["seq"] for row in rows if not _is_whole(row)]:
        yield f"has activities whose parts do not belong together: seq {broken[0]}" + (
            f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        )
    for column, first, last in (
        ("occurred_at", file.occurred_first, file.occurred_last),
        ("received_at", file.received_first, file.received_last),
    ):
        times = [row[column] for row in rows]
        if times and (min(times), max(times)) != (first, last):
            yield f"has other times in {column} than its manifest says"


def _is_whole(row: dict[str, Any]) -> bool:
    """Whether the public part is of this seq, and has the hash of the personal one."""
    try:
        public: dict[str, Any] = json.loads(row["public"])
    except ValueError:
        return False
    if public.get("seq") != row["seq"]:
        return False
    if row["erased"]:
        return row["personal"] is None
    personal = (row["salt"] or b"") + (row["personal"] or b"")
    return public.get("personal_sha256") == hashlib.sha256(personal).hexdigest()
