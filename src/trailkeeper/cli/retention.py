"""`retention` and `hold`: how long activities and jobs are kept, and what is held back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from trailkeeper.activity import rfc3339
from trailkeeper.cli.text import shown
from trailkeeper.installation import opened

retention = App(name="retention", help="How long activities and jobs are kept.")
hold = App(name="hold", help="Legal holds: what must not be removed.")

Json = Annotated[bool, Parameter(name="--json")]


@retention.command
def show(*, data: Path, workspace: str, json_: Json = False) -> None:
    """Show how long a workspace's activities, jobs and files of packages are kept.

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
        rule = installation.retention.get(installation.workspaces.find(workspace))
    later = rfc3339(rule.next_at) if rule.next_at else None
    if json_:
        print(
            json.dumps({"days": rule.days, "next_days": rule.next_days, "takes_effect_at": later})
        )
        return
    print(f"{rule.days} days" if rule.days else "for ever")
    if later:
        print(f"from {later} on {rule.next_days} days")


@retention.command(name="set")
def set_days(
    days: int | None = None,
    *,
    data: Path,
    workspace: str,
    forever: bool = False,
    json_: Json = False,
) -> int:
    """Keep what a workspace has for so many days. A shorter time takes effect after a week.

    Parameters
    ----------
    days
        The number of days.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    forever
        Keep them for ever instead.
    json_
        Print a JSON object.
    """
    if (days is None) != forever:
        print("Say either how many days, or --forever")
        return 2
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        preview = installation.retention.preview(by.workspace, days)
        rule = installation.retention.set_days(by, days)
    later = rfc3339(rule.next_at) if rule.next_at else None
    if json_:
        print(
            json.dumps({"days": rule.days, "next_days": rule.next_days, "takes_effect_at": later})
        )
    elif later:
        print(
            f"{days} days from {later} on; that would remove {preview.count} activities,"
            f" {preview.jobs} jobs and {preview.files} files of packages today"
        )
    else:
        print(f"{rule.days} days" if rule.days else "for ever")
    return 0


@retention.command
def sweep(*, data: Path, workspace: str, json_: Json = False) -> None:
    """Remove now what is older than a workspace keeps it. A server does so every day.

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
        swept = installation.sweeper.sweep(installation.workspaces.find(workspace))
    if json_:
        fields: dict[str, int] = {}
        for name, one in swept.parts():
            fields |= {f"{name}_removed": one.count, f"{name}_kept": one.kept}
        print(json.dumps(fields))
        return
    for name, one in swept.parts():
        what = name.replace("_", " ")
        print(f"{what}: {one.count} removed, {one.kept} kept though they are old enough")


@hold.command(name="list")
def list_holds(*, data: Path, workspace: str, json_: Json = False) -> None:
    """List the legal holds of a workspace.

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
        found = installation.holds.listed(installation.workspaces.find(workspace))
    for one in found:
        if json_:
            released = rfc3339(one.released_at) if one.released_at else None
            fields = {"id": one.id, "name": one.name, "query": one.query, "released_at": released}
            print(json.dumps(fields))
        else:
            state = "released" if one.released_at else "on"
            print(f"{one.id}  {state}  {shown(one.name)}  {shown(one.query) or 'everything'}")


@hold.command
def place(
    name: str,
    *,
    data: Path,
    workspace: str,
    query: str = "",
    reason: str = "",
    json_: Json = False,
) -> None:
    """Place a legal hold: what it matches is not removed until it is released.

    Parameters
    ----------
    name
        What the hold is called.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    query
        What is held, in the query language; without it, everything.
    reason
        Why.
    json_
        Print a JSON object instead of the id.
    """
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        made = installation.holds.place(by, name, query, reason)
    print(json.dumps({"id": made.id}) if json_ else made.id)


@hold.command
def release(id: str, *, data: Path, workspace: str) -> None:
    """Release a legal hold.

    Parameters
    ----------
    id
        The hold's id.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    """
    with opened(data) as installation:
        installation.holds.release(installation.workspaces.by_operator(workspace), id)
