"""What the database knows of an archive's days and files: the same as the manifests, and their
hashes, so that a search need not read them and a change of one is noticed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update

from trailkeeper.activity import now_us
from trailkeeper.archive.manifest import FileEntry
from trailkeeper.ledger.schema import archive_day, archive_file

_FILE = [archive_file.c[name] for name in FileEntry.__struct_fields__]


class Day(Struct, frozen=True, kw_only=True):
    """A day that is in the archive, whole. Seqs from `first_seq` to before `end_seq`."""

    date: str
    first_seq: int
    end_seq: int
    manifest_sha256: str
    written_at: int
    removing: bool


class Totals(Struct, frozen=True):
    """Of all days that are in an archive."""

    days: int = 0
    files: int = 0
    count: int = 0
    bytes: int = 0
    first_day: str | None = None
    last_day: str | None = None


def days(connection: Connection, archive: int) -> list[Day]:
    """In the order of time."""
    rows = connection.execute(
        select(*_DAY).where(archive_day.c.archive == archive).order_by(archive_day.c.date)
    )
    return [_day(row) for row in rows]


def day(connection: Connection, archive: int, date: str) -> Day | None:
    row = connection.execute(
        select(*_DAY).where(archive_day.c.archive == archive, archive_day.c.date == date)
    ).first()
    return _day(row) if row else None


def last_before(connection: Connection, archive: int, date: str) -> Day | None:
    """The latest day before this one."""
    row = connection.execute(
        select(*_DAY)
        .where(archive_day.c.archive == archive, archive_day.c.date < date)
        .order_by(archive_day.c.date.desc())
        .limit(1)
    ).first()
    return _day(row) if row else None


def files_of(connection: Connection, archive: int, date: str) -> list[FileEntry]:
    """Of one day, be it whole or not, in the order of seq."""
    rows = connection.execute(
        select(*_FILE)
        .where(archive_file.c.archive == archive, archive_file.c.date == date)
        .order_by(archive_file.c.first_seq)
    )
    return [_file(row) for row in rows]


def readable_files(
    connection: Connection,
    archive: int,
    *,
    since: int | None = None,
    until: int | None = None,
) -> list[FileEntry]:
    """Of all whole days, where something occurred from `since` to before `until`."""
    asked = (
        select(*_FILE)
        .join(
            archive_day,
            (archive_day.c.archive == archive_file.c.archive)
            & (archive_day.c.date == archive_file.c.date),
        )
        .where(archive_file.c.archive == archive, archive_day.c.removing.is_(False))
        .order_by(archive_file.c.first_seq)
    )
    if since is not None:
        asked = asked.where(archive_file.c.occurred_last >= since)
    if until is not None:
        asked = asked.where(archive_file.c.occurred_first < until)
    return [_file(row) for row in connection.execute(asked)]


def unfinished_dates(connection: Connection, archive: int, before: str) -> list[str]:
    """Days before this one that have files and no manifest yet."""
    rows = connection.execute(
        select(archive_file.c.date)
        .distinct()
        .where(
            archive_file.c.archive == archive,
            archive_file.c.date < before,
            archive_file.c.date.not_in(
                select(archive_day.c.date).where(archive_day.c.archive == archive)
            ),
        )
        .order_by(archive_file.c.date)
    )
    return list(rows.scalars())


def totals(connection: Connection, archive: int) -> Totals:
    counted = connection.execute(
        select(func.count(), func.min(archive_day.c.date), func.max(archive_day.c.date)).where(
            archive_day.c.archive == archive, archive_day.c.removing.is_(False)
        )
    ).one()
    files = connection.execute(
        select(
            func.count(),
            func.coalesce(func.sum(archive_file.c.count), 0),
            func.coalesce(func.sum(archive_file.c.bytes), 0),
        )
        .join(
            archive_day,
            (archive_day.c.archive == archive_file.c.archive)
            & (archive_day.c.date == archive_file.c.date),
        )
        .where(archive_file.c.archive == archive, archive_day.c.removing.is_(False))
    ).one()
    return Totals(counted[0], files[0], int(files[1]), int(files[2]), counted[1], counted[2])


def keep_file(connection: Connection, archive: int, entry: FileEntry) -> None:
    """Note a file; one of the same first seq is forgotten."""
    drop_files(connection, archive, [entry.first_seq])
    connection.execute(insert(archive_file).values(archive=archive, **_values(entry)))


def keep_day(
    connection: Connection, archive: int, date: str, entries: list[FileEntry], manifest: str
) -> None:
    """Note that a day is whole; `manifest` is the SHA-256 of its manifest, which names these."""
    connection.execute(
        delete(archive_file).where(archive_file.c.archive == archive, archive_file.c.date == date)
    )
    for entry in entries:
        keep_file(connection, archive, entry)
    connection.execute(
        delete(archive_day).where(archive_day.c.archive == archive, archive_day.c.date == date)
    )
    connection.execute(
        insert(archive_day).values(
            archive=archive,
            date=date,
            first_seq=entries[0].first_seq,
            end_seq=entries[-1].end_seq,
            manifest_sha256=manifest,
            written_at=now_us(),
            removing=False,
        )
    )


def mark_removing(connection: Connection, archive: int, date: str) -> None:
    """From now on the day is searched by nobody."""
    connection.execute(
        update(archive_day)
        .where(archive_day.c.archive == archive, archive_day.c.date == date)
        .values(removing=True)
    )


def drop_day(connection: Connection, archive: int, date: str) -> None:
    for table in (archive_file, archive_day):
        connection.execute(delete(table).where(table.c.archive == archive, table.c.date == date))


def drop_files(connection: Connection, archive: int, first_seqs: Iterable[int]) -> None:
    connection.execute(
        delete(archive_file).where(
            archive_file.c.archive == archive, archive_file.c.first_seq.in_(list(first_seqs))
        )
    )


def drop_all(connection: Connection, archive: int) -> None:
    for table in (archive_file, archive_day):
        connection.execute(delete(table).where(table.c.archive == archive))


_DAY = [archive_day.c[name] for name in Day.__struct_fields__]


def _day(row: Any) -> Day:
    return Day(**row._mapping)  # noqa: SLF001 # SQLAlchemy's documented name


def _file(row: Any) -> FileEntry:
    return FileEntry(**row._mapping)  # noqa: SLF001 # SQLAlchemy's documented name


def _values(entry: FileEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in FileEntry.__struct_fields__}
