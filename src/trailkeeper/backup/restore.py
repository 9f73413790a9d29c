"""Looking through a backup, and making an installation of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import get_args

from trailkeeper.backup.archive import Said, unpack
from trailkeeper.backup.database import Database, database_of
from trailkeeper.backup.manifest import BackupError, DatabaseKind, Manifest, key_check, same_content
from trailkeeper.backup.sqlite import content_of
from trailkeeper.backup.tables import Streams
from trailkeeper.installation import KEY_FILE
from trailkeeper.ledger.marker import MARKER_FILE, sync_folder
from trailkeeper.ledger.migrate import known_revisions
from trailkeeper.ledger.sqlite import DATABASE_FILE
from trailkeeper.settings import load_settings

_DATABASE_FILES = (DATABASE_FILE,)


def verify_backup(archive: Path, *, said: Said = lambda _what: None) -> Manifest:
    """Take a backup apart in a temporary folder, and check all of it: the archive, each file, the
    database, and each workspace's log. Returns what it says of itself, which is then so. Raises
    BackupError."""
    with tempfile.TemporaryDirectory(prefix="trailkeeper-") as folder:
        return _checked(archive, Path(folder), said)


def restore_backup(
    archive: Path,
    data: Path,
    *,
    key: Path | None = None,
    database_url: str | None = None,
    said: Said = lambda _what: None,
) -> Manifest:
    """Make the installation of a backup in a folder that holds none; one of PostgreSQL with the
    empty database of `database_url`, else of the setting with this name.

    Everything is checked before anything gets its name there, the database last of all: whatever
    goes wrong, there is no installation, or the whole one. A backup without the key needs it as a
    file. Raises BackupError, SettingsError.
    """
    for name in (*_DATABASE_FILES, KEY_FILE, MARKER_FILE):
        if (data / name).exists():
            raise BackupError(
                f"{data} holds an installation already ({name}); it was left as it is."
                " Restore into another folder"
            )
    database = database_of(data, database_url or load_settings(data).database_url)
    try:
        with _stage(data) as stage:
            manifest = _checked(archive, stage, said)
            _refuse_other_kind(manifest, database)
            _provide_key(manifest, stage, key)
            _refuse_what_is_there(stage, data)
            placed: list[str] = []
            try:
                with database.restoring(archive, manifest, stage, said):
                    _place(stage, data, placed)
            except BaseException:
                for name in placed:
                    (data / name).rename(stage / name)
                raise
    except OSError as error:
        where = error.filename or data
        raise BackupError(f"{where} cannot be read or written: {error.strerror}") from None
    return manifest


def _checked(archive: Path, folder: Path, said: Said) -> Manifest:
    if not archive.is_file():
        raise BackupError(f"There is no file {archive}")
    said("Unpacking")
    streams = Streams()
    manifest = unpack(archive, folder, _DATABASE_FILES, streams.take_piece)
    if manifest.database not in get_args(DatabaseKind):
        known = ", ".join(get_args(DatabaseKind))
        raise BackupError(
            f"It is of the database {manifest.database[:40]!r}; this program restores {known}"
        )
    if manifest.content.revision not in known_revisions():
        raise BackupError(
            f"It has tables of version {manifest.content.revision[:40]}, which this program does"
            f" not know; use Trailkeeper {manifest.version[:20]}, which made it, or a newer one"
        )
    if (folder / DATABASE_FILE).is_file() != (manifest.database == "sqlite"):
        raise BackupError(f"{archive} has not the files of the database that its manifest names")
    said("Looking through the database")
    if manifest.database == "sqlite":
        same_content(manifest.content, content_of(folder / DATABASE_FILE))
    else:
        same_content(manifest.content, streams.content())
    if manifest.has_key and _check_of(folder / KEY_FILE) != manifest.key_check:
        raise BackupError(f"The {KEY_FILE} in it is not the one that the manifest is of")
    return manifest


def _refuse_other_kind(manifest: Manifest, database: Database) -> None:
    if manifest.database == database.kind:
        return
    if manifest.database == "sqlite":
        raise BackupError(
            "It is a backup of an installation on SQLite, and a database_url of PostgreSQL is set."
            " Restore it without that, then move it with `trailkeeper migrate-store`"
        )
    raise BackupError(
        "It is a backup of an installation on PostgreSQL, which cannot be restored to SQLite. Name"
        " an empty PostgreSQL database by TRAILKEEPER_DATABASE_URL or --database-url"
    )


def _provide_key(manifest: Manifest, stage: Path, key: Path | None) -> None:
    if manifest.has_key:
        return
    if key is None:
        raise BackupError(
            f"This backup was made without the key; name the {KEY_FILE} of the installation that"
            " it is of with --key"
        )
    if _check_of(key) != manifest.key_check:
        raise BackupError(f"{key} is not the key of the installation that this backup is of")
    descriptor = os.open(stage / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.read_bytes())
        file.flush()
        os.fsync(file.fileno())


def _check_of(key: Path) -> str:
    return key_check(key.read_bytes()) if key.is_file() else ""


@contextlib.contextmanager
def _stage(data: Path) -> Generator[Path]:
    """A folder inside the data folder, so that moving out of it is renaming. Afterwards it is gone,
    and so is a data folder that was made for it and is empty."""
    is_new = not data.exists()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    stage = Path(tempfile.mkdtemp(prefix=".restore-", dir=data))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if is_new:
            with contextlib.suppress(OSError):
                data.rmdir()


def _refuse_what_is_there(stage: Path, data: Path) -> None:
    if there := [name for name in _names(stage) if (data / name).exists()]:
        raise BackupError(f"{data / there[0]} is there already; restore into an empty folder")


def _place(stage: Path, data: Path, placed: list[str]) -> None:
    """Give all their names but the database, and note which have got them. Nothing that is there is
    replaced."""
    for name in _names(stage):
        if name not in _DATABASE_FILES:
            (stage / name).rename(data / name)
            placed.append(name)
    sync_folder(data)


def _names(stage: Path) -> list[str]:
    return sorted(path.name for path in stage.iterdir())
