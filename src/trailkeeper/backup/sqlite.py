"""How a SQLite installation is copied while it is written to, and how a copy is looked through."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as dbapi

from trailkeeper.backup.archive import ArchiveWriter, Progress, Said
from trailkeeper.backup.manifest import (
    MOVED,
    BackupError,
    Content,
    DatabaseKind,
    Manifest,
    WorkspaceContent,
)
from trailkeeper.ledger.fingerprint import fingerprint
from trailkeeper.ledger.marker import sync_folder
from trailkeeper.ledger.sqlite.engine import BUSY_TIMEOUT_MS, DATABASE_FILE

STEP_PAGES = 4_096
INTEGRITY_MAX = 5
"""So many things that are wrong are named."""

driver: Any = dbapi


class SqliteBackup:
    """The file in a data folder, see backup/database.py."""

    kind: DatabaseKind = "sqlite"

    def __init__(self, data: Path) -> None:
        self._data = data

    def refuse_unusable(self) -> None:
        if not (self._data / DATABASE_FILE).is_file():
            raise BackupError(f"{self._data} holds no installation")

    def copy(
        self, archive: ArchiveWriter, workshop: Path, said: Said, progress: Progress
    ) -> tuple[Content, None]:
        copy = workshop / DATABASE_FILE
        said("Copying the database")
        copy_file(self._data / DATABASE_FILE, copy, progress)
        said("Looking through the copy")
        content = content_of(copy)
        said("Packing")
        archive.add(DATABASE_FILE, copy)
        return content, None

    @contextmanager
    def restoring(
        self, archive: Path, manifest: Manifest, stage: Path, said: Said
    ) -> Generator[None]:
        del archive, manifest, said  # it is in the stage, and was looked through there
        yield
        sync_folder(self._data)
        (stage / DATABASE_FILE).rename(self._data / DATABASE_FILE)
        sync_folder(self._data)


def copy_file(database: Path, target: Path, progress: Progress) -> None:
    """Copy a database as it is at one moment into a new file, by the online backup of SQLite
    (https://www.sqlite.org/backup.html).

    The pages are copied inside a read transaction: without one the backup would begin anew at each
    commit of others, and on a busy server never end. As long as it takes, the write-ahead log is
    not shortened. Raises BackupError.
    """
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.close(descriptor)
    try:
        with (
            closing(_opened(database)) as source,
            closing(driver.connect(str(target), isolation_level=None)) as copy,
        ):
            copy.execute("PRAGMA synchronous=OFF")
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM workspace").fetchone()
            _refuse_what_has_moved(source)
            source.backup(
                copy,
                pages=STEP_PAGES,
                progress=_telling(progress),
            )
            source.execute("ROLLBACK")
            # A copy is one file: nothing of it is in a log beside it.
            copy.execute("PRAGMA journal_mode=DELETE").fetchone()
    except driver.Error as error:
        raise BackupError(f"The database {database} cannot be copied: {error}") from None


def content_of(copy: Path) -> Content:
    """Look through a copy: is it sound, and what is in it? Raises BackupError."""
    try:
        with closing(_opened(copy)) as database:
            wrong = [
                str(row[0]) for row in database.execute(f"PRAGMA integrity_check({INTEGRITY_MAX})")
            ]
            wrong += [
                f"a row of {row[0]} refers to a row of {row[2]} that is not there"
                for row in database.execute("PRAGMA foreign_key_check").fetchmany(INTEGRITY_MAX)
            ]
            if len(wrong) > 1:
                wrong = [one for one in wrong if one != "ok"]
            revision = database.execute("SELECT version_num FROM alembic_version").fetchone()
            return Content(
                revision=revision[0] if revision else "",
                integrity="; ".join(wrong),
                workspaces=_workspaces(database),
            )
    except driver.Error as error:
        raise BackupError(f"The database in it cannot be read: {error}") from None


def _refuse_what_has_moved(database: Any) -> None:
    """A backup would not have it, and would not say so."""
    tables = "SELECT 1 FROM sqlite_master WHERE type='table' AND name='moved'"
    if database.execute(tables).fetchone() and database.execute("SELECT 1 FROM moved").fetchone():
        raise BackupError(MOVED)


def _telling(progress: Progress) -> Callable[[int, int, int], None]:
    def tell(_state: int, left: int, total: int) -> None:
        progress(total - left, total)

    return tell


def _workspaces(database: Any) -> list[WorkspaceContent]:
    rows = database.execute("SELECT key, id, name, next_seq FROM workspace ORDER BY key").fetchall()
    return [
        WorkspaceContent.of(id, name, next_seq, fingerprint(database, key))
        for key, id, name, next_seq in rows
    ]


def _opened(path: Path) -> Any:
    """A connection that changes nothing."""
    database = driver.connect(str(path), isolation_level=None)
    database.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").fetchone()
    database.execute("PRAGMA query_only=1").fetchone()
    return database
