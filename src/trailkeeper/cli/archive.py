"""`archive`: closed days as Parquet files in a folder or an object store."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from trailkeeper.activity import rfc3339
from trailkeeper.archive.archive import Archive, describe
from trailkeeper.archive.iceberg import register
from trailkeeper.archive.verify import verify as verify_archive
from trailkeeper.cli.streams import pairs
from trailkeeper.cli.text import shown
from trailkeeper.errors import InvalidParameter
from trailkeeper.installation import Installation, opened

archive = App(name="archive", help="Archives: closed days as Parquet files, kept for long.")

Json = Annotated[bool, Parameter(name="--json")]


@archive.command(name="set")
def set_archive(
    *,
    data: Path,
    workspace: str,
    type: str,
    set: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    keep_days: int | None = None,
    json_: Json = False,
) -> int:
    """Say where the archive is, and test the place. It begins with all that the log still has; in
    another place it begins again.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    type
        The kind of place: folder, s3, gcs or azure.
    set
        A setting of the place, as KEY=VALUE; as often as needed.
    keep_days
        For how many days what is archived is kept; without it, for ever.
    json_
        Print a JSON object.
    """
    given = pairs(set, "/set")
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        one = installation.archives.set(by, type, given, keep_days)
        tested = installation.archives.test(by)
    if json_:
        print(json.dumps({"id": one.id, "tested": tested.ok, "answer": tested.text}))
    else:
        print(f"{shown(describe(one))}: {'' if tested.ok else 'FAILED: '}{shown(tested.text)}")
    return 0 if tested.ok else 1


@archive.command
def show(*, data: Path, workspace: str, json_: Json = False) -> None:
    """Show where the archive is and how it stands.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    json_
        Print a JSON object.
    """
    with opened(data) as installation:
        one = _of(installation, workspace)
        standing = installation.archives.standing(one)
    totals, place = standing.totals, standing.place
    if json_:
        fields: dict[str, Any] = {
            "id": one.id,
            "destination": one.destination,
            "settings": one.settings,
            "keep_days": one.keep_days,
            "state": standing.state,
            "closed_until": rfc3339(one.closed_until) if one.closed_until else None,
            "waiting": standing.waiting,
            **msgspec.to_builtins(totals),
            "last_error": place.last_error,
        }
        print(json.dumps(fields))
        return
    print(f"{shown(describe(one))}  {standing.state}")
    reach = f"{totals.first_day} to {totals.last_day}" if totals.days else "nothing yet"
    print(f"{reach}: {totals.days} days, {totals.count} activities, {totals.bytes} bytes")
    print(f"{standing.waiting} activities of closed days are not written yet")
    print(f"kept for {one.keep_days} days" if one.keep_days else "kept for ever")
    if place.last_error:
        print(f"last error: {shown(place.last_error)}")


@archive.command(name="list")
def list_days(*, data: Path, workspace: str, json_: Json = False) -> None:
    """List the days in the archive, each with the SHA-256 of its manifest.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    json_
        Print a JSON object for each.
    """
    with opened(data) as installation:
        days = installation.archives.days(_of(installation, workspace))
    for day in days:
        if json_:
            print(json.dumps({**msgspec.to_builtins(day), "written_at": rfc3339(day.written_at)}))
        else:
            state = "  being removed" if day.removing else ""
            print(
                f"{day.date}  seq {day.first_seq} to {day.end_seq - 1}"
                f"  {day.manifest_sha256}{state}"
            )


@archive.command
def verify(
    *,
    data: Path,
    workspace: str,
    from_: Annotated[str, Parameter(name="--from")] = "",
    to: str = "",
    json_: Json = False,
) -> int:
    """Work out all counts and hashes again from the files; exit code 1 if anything is wrong.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    from_
        Only from this day on, as 2026-11-22.
    to
        Only up to this day.
    json_
        Print a JSON object.
    """
    for name, day in (("--from", from_), ("--to", to)):
        _check_day(name, day)
    with opened(data) as installation:
        one = _of(installation, workspace)
        found = verify_archive(
            installation.store, one, installation.archive_owner.opened, from_, to
        )
    if json_:
        print(msgspec.json.encode(found).decode())
    else:
        for trouble in found.troubles:
            print(f"{shown(trouble.name)} {shown(trouble.what)}")
        print(
            f"{found.days} days, {found.files} files, {found.activities} activities,"
            f" {found.bytes} bytes: {len(found.troubles) or 'nothing'} wrong"
        )
    return 1 if found.troubles else 0


@archive.command
def pause(*, data: Path, workspace: str) -> None:
    """Stop it where it stands. What it has not written is not removed from the log.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    """
    with opened(data) as installation:
        installation.archives.pause(installation.workspaces.by_operator(workspace))


@archive.command
def resume(*, data: Path, workspace: str) -> None:
    """Let it go on from where it stands.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    """
    with opened(data) as installation:
        installation.archives.resume(installation.workspaces.by_operator(workspace))


@archive.command
def sweep(*, data: Path, workspace: str, json_: Json = False) -> None:
    """Remove now the days that are older than the archive keeps them. A server does so every day.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    json_
        Print a JSON object.
    """
    with opened(data) as installation:
        removed = installation.archive_keeper.remove_old(_of(installation, workspace))
    if json_:
        print(msgspec.json.encode(removed).decode())
        return
    print(f"{len(removed.days)} days removed, {len(removed.held)} held though they are old enough")


@archive.command
def delete(*, data: Path, workspace: str) -> None:
    """Forget the archive. Its files stay where they are.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    """
    with opened(data) as installation:
        installation.archives.delete(installation.workspaces.by_operator(workspace))


@archive.command
def iceberg(
    *,
    data: Path,
    workspace: str,
    catalog: str,
    warehouse: str,
    table: str = "audit.activities",
    json_: Json = False,
) -> None:
    """Register the archive's files as an Apache Iceberg table. Call it again to register further
    days; what is no more in the archive is taken out of the table.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    catalog
        The URL of pyiceberg's SQL catalogue, such as sqlite:////srv/catalog.db; it is made if
        needed.
    warehouse
        Where the table's metadata is kept, as a URL such as file:///srv/iceberg.
    table
        The name of the namespace and the table.
    json_
        Print a JSON object.
    """
    with opened(data) as installation:
        found = register(
            installation.store,
            _of(installation, workspace),
            installation.archive_owner,
            catalog=catalog,
            warehouse=warehouse,
            table=table,
        )
    if json_:
        print(msgspec.json.encode(found).decode())
    else:
        print(f"{shown(found.table)}: {found.files} files, {found.added} of them new")


def _of(installation: Installation, workspace: str) -> Archive:
    return installation.archives.get(installation.workspaces.find(workspace))


def _check_day(name: str, day: str) -> None:
    """Raises InvalidParameter."""
    if day and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
        detail = f"`{name}` is {day[:40]!r}, must be a day such as 2026-11-22"
        raise InvalidParameter(detail)
