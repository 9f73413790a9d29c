"""Making a backup of a data folder, also beside a running server."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

from trailkeeper import __version__
from trailkeeper.activity import now_us, rfc3339
from trailkeeper.backup.archive import FILES, FOLDERS, ArchiveWriter, Said
from trailkeeper.backup.database import Database, Progress, database_named
from trailkeeper.backup.manifest import BackupError, Manifest, encode_manifest, key_check
from trailkeeper.installation import KEY_FILE
from trailkeeper.ledger.sqlite import DATABASE_FILE

ENDING = ".tar.zst"


def make_backup(
    data: Path,
    output: Path,
    *,
    with_key: bool = True,
    with_exports: bool = True,
    progress: Progress = lambda _done, _total: None,
    said: Said = lambda _what: None,
) -> tuple[Path, Manifest]:
    """Write a backup of a data folder into one file, or into a new one in a folder.

    All that was acknowledged before the call is in it. The copy of the database is looked through
    before it is kept; the file gets its name once it is whole and on disk, and one that is there is
    never replaced. Raises BackupError.
    """
    if not (data / DATABASE_FILE).is_file():
        raise BackupError(f"{data} holds no installation")
    made_at = rfc3339(now_us())
    if output.is_dir():
        output = output / f"trailkeeper-{made_at[:19].replace(':', '').replace('-', '')}Z{ENDING}"
    if output.exists():
        raise BackupError(f"{output} is there already; it was left as it is")
    try:
        with _workshop(output) as folder:
            return output, _make(
                data, output, folder, made_at, with_key, with_exports, progress, said
            )
    except OSError as error:
        where = error.filename or output
        raise BackupError(f"{where} cannot be read or written: {error.strerror}") from None


def _make(
    data: Path,
    output: Path,
    folder: Path,
    made_at: str,
    with_key: bool,
    with_exports: bool,
    progress: Progress,
    said: Said,
) -> Manifest:
    kind = "sqlite"
    database: Database = database_named(kind)
    key = (data / KEY_FILE).read_bytes()
    copy = folder / database.file
    said("Copying the database")
    database.copy(data, copy, progress)
    said("Looking through the copy")
    content = database.content(copy)
    if content.integrity != "ok":
        raise BackupError(
            f"The database of {data} is damaged, no backup was made: {content.integrity}."
            " Restore an earlier backup"
        )
    said("Packing")
    part = folder / "archive"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        archive = ArchiveWriter(file)
        archive.add(database.file, copy)
        for name, path in _others(data, with_key, with_exports):
            with contextlib.suppress(FileNotFoundError):  # an export may be deleted meanwhile
                archive.add(name, path)
        manifest = Manifest(
            version=__version__,
            made_at=made_at,
            database=kind,
            content=content,
            has_key=with_key,
            key_check=key_check(key),
            files=archive.files,
        )
        archive.add_manifest(encode_manifest(manifest))
        archive.close()
        file.flush()
        os.fsync(file.fileno())
    os.link(part, output)  # unlike a renaming, it never replaces
    _sync(output.parent)
    return manifest


def _others(data: Path, with_key: bool, with_exports: bool) -> Iterator[tuple[str, Path]]:
    """The files beside the database, with their names in the archive."""
    for name in FILES:
        if (data / name).is_file() and (with_key or name != KEY_FILE):
            yield name, data / name
    for folder in FOLDERS:
        if folder == "exports" and not with_exports:
            continue
        if (data / folder).is_dir():
            for path in sorted((data / folder).iterdir()):
                if path.is_file() and path.suffix != ".part":
                    yield f"{folder}/{path.name}", path


@contextlib.contextmanager
def _workshop(output: Path) -> Generator[Path]:
    """A folder of our own beside the output, on the same disk; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix=f".{output.name[:60]}.", dir=output.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
