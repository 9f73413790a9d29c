"""Looking through a backup, and making an installation of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

from trailkeeper.backup.archive import Said, unpack
from trailkeeper.backup.database import DATABASES, database_named
from trailkeeper.backup.manifest import BackupError, Content, Manifest, key_check
from trailkeeper.installation import KEY_FILE
from trailkeeper.ledger.migrate import known_revisions

_DATABASE_FILES = tuple(database.file for database in DATABASES.values())


def verify_backup(archive: Path, *, said: Said = lambda _what: None) -> Manifest:
    """Take a backup apart in a temporary folder, and check all of it: the archive, each file, the
    database, and each workspace's log. Returns what it says of itself, which is then so. Raises
    BackupError."""
    with tempfile.TemporaryDirectory(prefix="trailkeeper-") as folder:
        return _checked(archive, Path(folder), said)


def restore_backup(
    archive: Path, data: Path, *, key: Path | None = None, said: Said = lambda _what: None
) -> Manifest:
    """Make the installation of a backup in a folder that holds none.

    Everything is checked before anything gets its name there, the database last of all: whatever
    goes wrong, there is no installation, or the whole one. A backup without the key needs it as a
    file. Raises BackupError.
    """
    for name in (*_DATABASE_FILES, KEY_FILE):
        if (data / name).exists():
            raise BackupError(
                f"{data} holds an installation already ({name}); it was left as it is."
                " Restore into another folder"
            )
    try:
        with _stage(data) as stage:
            manifest = _checked(archive, stage, said)
            _provide_key(manifest, stage, key)
            _move(stage, data, database_named(manifest.database).file)
    except OSError as error:
        where = error.filename or data
        raise BackupError(f"{where} cannot be read or written: {error.strerror}") from None
    return manifest


def _checked(archive: Path, folder: Path, said: Said) -> Manifest:
    if not archive.is_file():
        raise BackupError(f"There is no file {archive}")
    said("Unpacking")
    manifest = unpack(archive, folder, _DATABASE_FILES)
    database = database_named(manifest.database)
    if manifest.content.revision not in known_revisions():
        raise BackupError(
            f"It has tables of version {manifest.content.revision[:40]}, which this program does"
            f" not know; use Trailkeeper {manifest.version[:20]}, which made it, or a newer one"
        )
    if not (folder / database.file).is_file():
        raise BackupError(f"{archive} has no {database.file}")
    said("Looking through the database")
    _same(manifest.content, database.content(folder / database.file))
    if manifest.has_key and _check_of(folder / KEY_FILE) != manifest.key_check:
        raise BackupError(f"The {KEY_FILE} in it is not the one that the manifest is of")
    return manifest


def _same(told: Content, found: Content) -> None:
    """What is in the database is what the manifest says. Raises BackupError."""
    if found.integrity != "ok":
        raise BackupError(f"The database in it is damaged: {found.integrity}")
    if told.revision != found.revision:
        raise BackupError(
            f"Its tables are of version {found.revision}, the manifest says {told.revision}"
        )
    there = {one.id: one for one in found.workspaces}
    for one in told.workspaces:
        if there.pop(one.id, None) != one:
            raise BackupError(
                f"The log of the workspace {one.name!r} is not the one that the manifest is of:"
                f" {one.activities} activities with the hash {one.sha256[:16]}… were backed up"
            )
    if there:
        raise BackupError("It has a workspace that its manifest does not name")


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


def _move(stage: Path, data: Path, database: str) -> None:
    """Give all their names, the database last. Nothing that is there is replaced."""
    names = sorted(path.name for path in stage.iterdir())
    if there := [name for name in names if (data / name).exists()]:
        raise BackupError(f"{data / there[0]} is there already; restore into an empty folder")
    for name in [*(one for one in names if one != database), database]:
        if name == database:
            _sync(data)
        (stage / name).rename(data / name)
    _sync(data)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
