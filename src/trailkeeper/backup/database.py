"""What a backup needs of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from trailkeeper.backup.manifest import BackupError, Content
from trailkeeper.backup.sqlite import SqliteBackup

Progress = Callable[[int, int], object]
"""Called with how much of a database is copied, and how much there is."""


class Database(Protocol):
    """A kind of database."""

    file: str
    """The name of its copy, in a backup and in the folder that it is restored to."""

    def copy(self, data: Path, target: Path, progress: Progress) -> None:
        """Copy the database of a data folder, as it is at one moment, into a new file. Whatever was
        acknowledged before the call is in it; recording goes on meanwhile. Raises BackupError."""
        ...

    def content(self, copy: Path) -> Content:
        """Look through a copy: is it sound, and what is in it? Raises BackupError."""
        ...


DATABASES: Mapping[str, Database] = {"sqlite": SqliteBackup()}


def database_named(name: str) -> Database:
    """Raises BackupError."""
    if name not in DATABASES:
        known = ", ".join(DATABASES)
        raise BackupError(f"It is of the database {name[:40]!r}; this program restores {known}")
    return DATABASES[name]
