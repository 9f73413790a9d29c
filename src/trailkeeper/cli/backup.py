"""`backup` and `restore`: a whole installation into one file, and back."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from trailkeeper.backup.create import make_backup
from trailkeeper.backup.manifest import Manifest
from trailkeeper.backup.restore import restore_backup, verify_backup
from trailkeeper.backup.tables import PIECE
from trailkeeper.cli.text import shown
from trailkeeper.installation import own_url
from trailkeeper.ledger.sqlite import DATABASE_FILE

SAY_EVERY_S = 0.5

backup = App(name="backup", help="Backups of a whole installation, also while it is served.")

Json = Annotated[bool, Parameter(name="--json")]


@backup.default
def create(
    *,
    data: Path,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    database_url: str | None = None,
    without_key: Annotated[bool, Parameter(negative=())] = False,
    without_exports: Annotated[bool, Parameter(negative=())] = False,
    json_: Json = False,
) -> None:
    """Back up an installation, also while it is served: the database, the key, the settings in the
    data folder, mails and exports.

    What was acknowledged before the call is in it. The copy is checked before the file gets its
    name. Keep the file as safe as the installation: with the key, its secrets can be read.

    Parameters
    ----------
    data
        The installation's data folder.
    output
        The file to write, which must not be there yet, or a folder for a file named by the time.
    database_url
        The installation's PostgreSQL database, postgresql://USER:PASSWORD@HOST/DATABASE, if the
        setting database_url does not say it.
    without_key
        Leave secret.key out; restoring then asks for it.
    without_exports
        Leave the files of exports out.
    json_
        Print {"file", "bytes", "manifest"} as one JSON object.
    """
    say = _saying(quiet=json_)
    path, manifest = make_backup(
        data,
        output,
        database_url=own_url(data, database_url),
        with_key=not without_key,
        with_exports=not without_exports,
        progress=_progress(say),
        said=say,
    )
    size = path.stat().st_size
    if json_:
        print(json.dumps({"file": str(path), "bytes": size, "manifest": _plain(manifest)}))
    else:
        _show(manifest)
        print(f"{path}: {size:,} bytes")
        if manifest.has_key:
            print("The backup holds the installation's key: keep it safe", file=sys.stderr)


@backup.command
def verify(file: Path, *, json_: Json = False) -> None:
    """Check a backup through and through, without restoring it. Takes it apart in the system's
    temporary folder (TMPDIR), which must have room for the database if that is SQLite.

    Parameters
    ----------
    file
        The backup.
    json_
        Print its manifest as one JSON object.
    """
    manifest = verify_backup(file, said=_saying(quiet=json_))
    if json_:
        print(json.dumps(_plain(manifest)))
    else:
        _show(manifest)
        print("The backup is whole and as it was made")


def restore(
    *,
    from_: Annotated[Path, Parameter(name="--from")],
    data: Path,
    key: Path | None = None,
    database_url: str | None = None,
    json_: Json = False,
) -> None:
    """Make the installation of a backup in a folder that holds none.

    Everything is checked first; a backup that is damaged leaves nothing behind.

    Parameters
    ----------
    from_
        The backup.
    data
        The folder to restore into.
    key
        The secret.key of the installation, for a backup that was made without it.
    database_url
        For a backup of PostgreSQL: the empty database to restore into,
        postgresql://USER:PASSWORD@HOST/DATABASE, if TRAILKEEPER_DATABASE_URL does not say it. A
        password is better in a file that TRAILKEEPER_DATABASE_URL_FILE names: others on this
        machine see a command's options.
    json_
        Print its manifest as one JSON object.
    """
    manifest = restore_backup(
        from_,
        data,
        key=key,
        database_url=own_url(data, database_url),
        said=_saying(quiet=json_),
    )
    if json_:
        print(json.dumps(_plain(manifest)))
    else:
        _show(manifest)
        print(f"Restored into {data}; start it with `trailkeeper serve --data {data}`")
        if manifest.database == "postgresql":
            print(
                "It belongs to the new database: see that TRAILKEEPER_DATABASE_URL, or database_url"
            )
            print(f"in {data / 'trailkeeper.toml'}, names that one")


def _show(manifest: Manifest) -> None:
    print(f"Backup of {manifest.made_at} by Trailkeeper {manifest.version}, checked:")
    for one in manifest.content.workspaces:
        seqs = "" if one.first_seq is None else f", seq {one.first_seq} to {one.last_seq}"
        print(f"  {shown(one.name)}: {one.activities:,} activities{seqs}, sha256 {one.sha256}")
    files = sum(
        one.name != DATABASE_FILE and not PIECE.fullmatch(one.name) for one in manifest.files
    )
    print(f"  and {files} other {'file' if files == 1 else 'files'}; the database is sound")


def _plain(manifest: Manifest) -> dict[str, object]:
    return msgspec.to_builtins(manifest)


def _saying(*, quiet: bool) -> Callable[[str], None]:
    def say(what: str) -> None:
        if not quiet and sys.stderr.isatty():
            print(f"{what} …", file=sys.stderr)

    return say


def _progress(say: Callable[[str], None]) -> Callable[[int, int], None]:
    last = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > SAY_EVERY_S:
            last = time.monotonic()
            say(f"  {done * 100 // max(total, 1)} %")

    return progress
