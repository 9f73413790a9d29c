"""What a backup needs of a database, whichever it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from trailkeeper.backup.archive import ArchiveWriter, Progress, Said
from trailkeeper.backup.manifest import BackupError, Content, DatabaseKind, Layout, Manifest
from trailkeeper.backup.sqlite import SqliteBackup


class Database(Protocol):
    """The database of one data folder, or the place where a backup's is to be."""

    @property
    def kind(self) -> DatabaseKind: ...

    def refuse_unusable(self) -> None:
        """Raises BackupError where there is no installation of this folder to back up."""
        ...

    def copy(
        self, archive: ArchiveWriter, workshop: Path, said: Said, progress: Progress
    ) -> tuple[Content, Layout | None]:
        """Put the database, as it is at one moment, into an archive, and tell what is in it, which
        has been looked through. Whatever was acknowledged before the call is in it; recording goes
        on meanwhile. `workshop` is an empty folder. Raises BackupError."""
        ...

    def restoring(
        self, archive: Path, manifest: Manifest, stage: Path, said: Said
    ) -> AbstractContextManager[None]:
        """Make the database of an archive that was found to be whole, and unpacked into `stage`
        with its key. Inside, it is there and compared with the manifest, and nobody can open it
        yet; at the end it gets its place, whole. What is raised inside leaves nothing of it. Raises
        BackupError."""
        ...


def database_of(data: Path, url: str) -> Database:
    """That of this URL, or without one the data folder's own. Raises BackupError."""
    if not url:
        return SqliteBackup(data)
    try:
        # Only now: it takes a while, and who has SQLite need not wait for it.
        from trailkeeper.backup.postgresql import PostgresqlBackup  # noqa: PLC0415
    except ImportError as error:
        raise BackupError(
            f"PostgreSQL needs the package psycopg: pip install 'psycopg[binary]' ({error})"
        ) from None
    return PostgresqlBackup(data, url)
