"""`migrate-store`: from SQLite to PostgreSQL."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from trailkeeper.installation import InstallationError, give_up_moving, move_to_postgresql


def migrate_store(
    *,
    data: Path,
    to: str | None = None,
    give_up: bool = False,
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Move an installation from SQLite to an empty PostgreSQL database. Stop the server first.

    It may be interrupted: the same command goes on where it was. All tables are compared by count
    and hash, and each workspace's log by the SHA-256 of its canonical bytes, before the data folder
    is switched; the SQLite file is kept as trailkeeper.db.moved.

    Parameters
    ----------
    data
        The installation's data folder.
    to
        The database, postgresql://USER:PASSWORD@HOST/DATABASE; default: the setting database_url.
    give_up
        Let the folder be used on SQLite again, after a moving that was begun and not finished.
    json_
        Print what was verified as one JSON object.
    """
    if give_up:
        if to is not None:
            raise InstallationError("--give-up and --to exclude each other")
        give_up_moving(data)
        print(json.dumps({"given_up": True}) if json_ else f"{data} is on SQLite again")
        return
    verified = move_to_postgresql(data, to, lambda said: print(said, file=sys.stderr))
    if json_:
        print(msgspec.json.encode(verified).decode())
        return
    for log in verified.logs if verified else ():
        print(f"{log.workspace}: {log.activities} activities, SHA-256 {log.sha256}")
    print(f"{data} is on PostgreSQL now; set TRAILKEEPER_DATABASE_URL, or database_url in")
    print(f"{data / 'trailkeeper.toml'}, before the server is started")
