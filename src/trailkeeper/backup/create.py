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
from trailkeeper.backup.archive import FILES, FOLDERS, ArchiveWriter, Progress, Said
from trailkeeper.backup.database import database_of
from trailkeeper.backup.manifest import BackupError, Content, Manifest, encode_manifest, key_check
from trailkeeper.installation import KEY_FILE
from trailkeeper.ledger.marker import sync_folder
from trailkeeper.settings import load_settings

ENDING = ".tar.zst"


def make_backup(
    data: Path,
    output: Path,
    *,
    database_url: str | None = None,
    with_key: bool = True,
    with_exports: bool = True,
    progress: Progress = lambda _done, _total: None,
    said: Said = lambda _what: None,
) -> tuple[Path, Manifest]:
    """Write a backup of a data folder into one file, or into a new one in a folder. Its database is
    that of `database_url`, else of the setting with this name, else the SQLite file in the folder.

    All that was acknowledged before the call is in it. The copy of the database is looked through
    before it is kept; the file gets its name once it is whole and on disk, and one that is there is
    never replaced. Raises BackupError, SettingsError.
    """
    database = database_of(data, database_url or load_settings(data).database_url)
    database.refuse_unusable()
    made_at = rfc3339(now_us())
    if output.is_dir():
        output = output / f"trailkeeper-{made_at[:19].replace(':', '').replace('-', '')}Z{ENDING}"
    if output.exists():
        raise BackupError(f"{output} is there already; it was left as it is")
    try:
        with _workshop(output) as folder:
            part = folder / "archive"
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                archive = ArchiveWriter(file)
                content, layout = database.copy(archive, folder, said, progress)
                _refuse_damaged(data, content)
                for name, path in _others(data, with_key, with_exports):
                    with contextlib.suppress(FileNotFoundError):  # an export is deleted meanwhile
                        archive.add(name, path)
                manifest = Manifest(
                    version=__version__,
                    made_at=made_at,
                    database=database.kind,
                    content=content,
                    layout=layout,
                    has_key=with_key,
                    key_check=key_check((data / KEY_FILE).read_bytes()),
                    files=archive.files,
                )
                archive.add_manifest(encode_manifest(manifest))
                archive.close()
                file.flush()
                os.fsync(file.fileno())
            os.link(part, output)  # unlike a renaming, it never replaces
            sync_folder(output.parent)
            return output, manifest
    except OSError as error:
        where = error.filename or output
        raise BackupError(f"{where} cannot be read or written: {error.strerror}") from None


def _refuse_damaged(data: Path, content: Content) -> None:
    if content.integrity != "ok":
        raise BackupError(
            f"The database of {data} is damaged, no backup was made: {content.integrity}."
            " Restore an earlier backup"
        )


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
