"""How an installation on PostgreSQL is read while it is written to, and how it is restored."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import uuid4

from psycopg import Connection, IsolationLevel
from psycopg.sql import SQL, Identifier

from trailkeeper.activity import now_us
from trailkeeper.backup.archive import ArchiveWriter, Progress, Said, pieces_of
from trailkeeper.backup.layout import INSTALLATION, Table, last_keys, tables_in
from trailkeeper.backup.manifest import (
    MOVED,
    BackupError,
    Content,
    DatabaseKind,
    Layout,
    Manifest,
    same_content,
)
from trailkeeper.backup.tables import PIECE_BYTES, SPAN_BITS, VERSIONS, Streams, piece_name
from trailkeeper.installation import KEY_FILE
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.marker import DatabaseError, Marker, write_marker
from trailkeeper.ledger.migrate import SchemaError, migrate, newest_revision
from trailkeeper.ledger.postgresql.adapter import Adapted
from trailkeeper.ledger.postgresql.home import INITIALISING, PostgresqlHome, key_check
from trailkeeper.ledger.postgresql.partitions import Partitions, month_of, start_of
from trailkeeper.ledger.postgresql.tables import WALLED

STATE = "ledger_state"
"""Its only row is there from the beginning, as is that of VERSIONS."""


SETTINGS = (
    # It takes as long as it takes.
    b"SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
    # There is an index for each order: rows come at once, and take no room for sorting.
    b" SET LOCAL enable_sort = off"
)


class PostgresqlBackup:
    """The database of a URL, see backup/database.py."""

    kind: DatabaseKind = "postgresql"

    def __init__(self, data: Path, url: str) -> None:
        self._data = data
        with _as_backup_error():
            self._home = PostgresqlHome(data, url)

    def refuse_unusable(self) -> None:
        key = self._data / KEY_FILE
        with _as_backup_error():
            self._home.check(key.read_bytes() if key.is_file() else b"")

    def copy(
        self, archive: ArchiveWriter, workshop: Path, said: Said, progress: Progress
    ) -> tuple[Content, Layout]:
        """In one snapshot. The tables are locked against nothing but being altered or dropped."""
        del workshop
        streams = Streams()
        with _as_backup_error(), self._home.connected() as database:
            tables = tables_in(database)
            with _one_snapshot(database, tables):
                if tables_in(database) != tables:
                    raise BackupError("The database's tables were just changed; try again")
                _refuse_what_has_moved(database, tables)
                telling = _Telling(database, progress)
                for table in tables:
                    said(f"Copying the table {table.name}")
                    for number, piece in enumerate(_pieces(database, table), 1):
                        archive.add_bytes(piece_name(table.name, number), piece)
                        streams.take(table.name, piece)
                        telling.more(len(piece))
                keys = last_keys(database)
        layout = Layout(
            columns={table.name: list(table.columns) for table in tables},
            keys=keys,
            months=_months(streams.spans),
        )
        return streams.content(), layout

    @contextmanager
    def restoring(
        self, archive: Path, manifest: Manifest, stage: Path, said: Said
    ) -> Generator[None]:
        """All is one transaction: until it is committed the database holds empty tables, and no
        installation. It is compared by being read again as a backup reads it, through the wall."""
        _refuse_other_version(manifest)
        with _as_backup_error(), self._home.connected() as database:
            self._refuse_full(database)
            writing = self._home.writer_engine()
            migrate(writing)
            writing.dispose()
            with database.transaction():
                database.execute(SETTINGS)
                database.execute("SELECT pg_advisory_xact_lock(%s)", (INITIALISING,))
                self._refuse_full(database)
                tables = tables_in(database)
                said("Filling the tables")
                _fill(database, tables, archive, manifest)
                database.execute("ANALYZE")
                said("Comparing what is there with the backup")
                same_content(manifest.content, _read_again(database, tables))
                self._take_over(database, stage)
                yield

    def _take_over(self, database: Connection[Any], stage: Path) -> None:
        """It gets an id of its own: neither does a folder of the database that was backed up open
        this one, nor the restored folder that one, by a URL that was left as it was."""
        id = str(uuid4())
        write_marker(stage, Marker(id, self._home.shown))
        database.execute(
            "INSERT INTO installation (id, key_check) VALUES (%s, %s)",
            (id, key_check((stage / KEY_FILE).read_bytes(), id)),
        )

    def _refuse_full(self, database: Connection[Any]) -> None:
        """Refuse a database that is not empty, but for tables that `migrate` has made."""
        tables = [table.name for table in tables_in(database)]
        if tables and VERSIONS not in tables:
            raise BackupError(f"{self._home.shown} holds tables of something else; name a new one")
        for name in (*tables, INSTALLATION) if tables else ():
            asked = SQL("SELECT 1 FROM {} LIMIT 1").format(Identifier(name))
            if name not in (VERSIONS, STATE) and database.execute(asked).fetchone():
                raise BackupError(
                    f"{self._home.shown} is not empty; it was left as it is. Name a new database"
                )


def _refuse_other_version(manifest: Manifest) -> None:
    """The tables are made as they are now, see docs/decisions/0011-export-and-backup.md."""
    if manifest.content.revision != newest_revision():
        raise BackupError(
            f"It has tables of version {manifest.content.revision}, and this program makes"
            f" {newest_revision()}. Restore it by Trailkeeper {manifest.version[:20]}, which made"
            " it, then open it with this one, which brings it up to date"
        )


@contextmanager
def _one_snapshot(database: Connection[Any], tables: list[Table]) -> Generator[None]:
    database.isolation_level, database.read_only = IsolationLevel.REPEATABLE_READ, True
    with database.transaction():
        # Before the first look, which makes the snapshot: no table of a month that is in it may be
        # dropped until it is read.
        names = SQL(", ").join(Identifier(table.name) for table in tables)
        database.execute(SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
        database.execute(SETTINGS)
        yield


def _refuse_what_has_moved(database: Connection[Any], tables: list[Table]) -> None:
    """A backup would not have it, and would not say so."""
    has_table = any(table.name == "moved" for table in tables)
    if has_table and database.execute("SELECT 1 FROM moved").fetchone():
        raise BackupError(MOVED)


def _pieces(database: Connection[Any], table: Table) -> Iterator[bytes]:
    """A table's stream, in pieces of PIECE_BYTES."""
    piece = bytearray()
    with database.cursor() as cursor, cursor.copy(table.reading()) as stream:
        for block in stream:
            piece += block
            while len(piece) > PIECE_BYTES:
                yield bytes(memoryview(piece)[:PIECE_BYTES])
                del piece[:PIECE_BYTES]
    yield bytes(piece)


def _months(spans: set[int]) -> list[int]:
    """Those in which there are activities."""
    ends = {end << SPAN_BITS for span in spans for end in (span, span + 1)}
    return sorted({month_of(key) for key in ends})


def _read_again(database: Connection[Any], tables: list[Table]) -> Content:
    streams = Streams()
    for table in tables:
        for piece in _pieces(database, table):
            streams.take(table.name, piece)
    return streams.content()


def _fill(
    database: Connection[Any], tables: list[Table], archive: Path, manifest: Manifest
) -> None:
    """Put an archive's rows into empty tables, in the open transaction."""
    layout = manifest.layout
    by_name = {table.name: table for table in tables}
    if layout is None or layout.columns != {one.name: list(one.columns) for one in tables}:
        raise BackupError("Its tables have not the columns that this program's have")
    months = [start_of(month) for month in layout.months]
    Partitions(Adapted(database)).cover(months or [first_key(now_us())])
    database.execute(SQL("DELETE FROM {}").format(Identifier(STATE)))
    with _open_wall(database):
        for name, pieces in groupby(pieces_of(archive), _table_of):
            if name == VERSIONS:
                continue
            if name not in by_name:
                raise BackupError(f"It has a table {name}, which this program has not")
            with database.cursor() as cursor, cursor.copy(by_name[name].writing()) as stream:
                for _, piece in pieces:
                    stream.write(piece)
    for name, last in layout.keys.items():
        database.execute(
            "SELECT setval(pg_get_serial_sequence(quote_ident(%s), 'key'), %s)", (name, last)
        )


@contextmanager
def _open_wall(database: Connection[Any]) -> Generator[None]:
    """COPY writes only where row-level security does not hold: for the tables' owner, meanwhile,
    in this transaction. At an error it is undone with all else."""
    for table in WALLED:
        database.execute(
            SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(Identifier(table))
        )
    yield
    for table in WALLED:
        database.execute(SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(Identifier(table)))


def _table_of(piece: tuple[str, bytes]) -> str:
    return piece[0].removeprefix("database/").rpartition(".")[0]


_SIZE = b"""
SELECT sum(pg_table_size(oid))::bigint FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
"""


@contextmanager
def _as_backup_error() -> Generator[None]:
    try:
        yield
    except (DatabaseError, SchemaError) as error:
        raise BackupError(str(error)) from None


class _Telling:
    """Says how far a backup is, by the size of the tables on disk, which is about right."""

    def __init__(self, database: Connection[Any], progress: Progress) -> None:
        self._progress = progress
        self._done = 0
        row = database.execute(_SIZE).fetchone()
        self._total: int = row[0] if row else 0

    def more(self, count: int) -> None:
        self._done += count
        self._progress(min(self._done, self._total), self._total)
