"""`stream`: where the audit log is streamed to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from trailkeeper.cli.text import shown
from trailkeeper.errors import FieldError, InvalidInput, NotFound
from trailkeeper.identity.acting import By
from trailkeeper.installation import Installation, opened
from trailkeeper.streaming.stream import Stream
from trailkeeper.streaming.streams import Shape

stream = App(name="stream", help="Streams: where the audit log is sent to as it grows.")

Json = Annotated[bool, Parameter(name="--json")]
Included = Literal["login_activity", "jobs", "job_steps"]


@stream.command
def add(
    *,
    data: Path,
    workspace: str,
    name: str,
    type: str,
    set: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
    include: Annotated[tuple[Included, ...], Parameter(consume_multiple=True)] = (
        "login_activity",
    ),
    format: str = "trailkeeper",
    query: str = "",
    packing: Literal["batch", "each"] = "batch",
    compression: str = "none",
    from_start: bool = False,
    json_: Json = False,
) -> None:
    """Make a stream and turn it on.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    name
        What the stream is called.
    type
        The kind of destination, such as http or s3.
    set
        A setting of the destination, as KEY=VALUE; as often as needed.
    include
        What the stream includes; job_steps only together with jobs.
    format
        How activities are written.
    query
        A filter in the query language; without it, everything.
    packing
        For object stores: an object for a batch, or for each message.
    compression
        For object stores: none, gzip or zstd.
    from_start
        Begin with the first activity there is instead of the next one.
    json_
        Print a JSON object instead of the id.
    """
    settings: dict[str, str] = {}
    for one in set:
        key, equals, value = one.partition("=")
        if not equals:
            detail = f"{one[:60]!r} is not KEY=VALUE"
            raise InvalidInput(detail, FieldError(detail, "/set"))
        settings[key] = value
    with opened(data) as installation:
        by, streams = installation.workspaces.by_operator(workspace), installation.streams
        made = streams.create(by, name, from_start=from_start)
        try:
            streams.set_destination(by, made.id, type, settings)
            shape = Shape(format=format, query=query, packing=packing, compression=compression)
            streams.reshape(by, made.id, shape)
            streams.include(
                by,
                made.id,
                job_history="jobs" in include,
                recipe_step_details="job_steps" in include,
                login_user_activity="login_activity" in include,
            )
            streams.toggle(by, made.id, True)
        except BaseException:
            streams.delete(by, made.id)
            raise
    print(json.dumps({"id": made.id}) if json_ else made.id)


@stream.command(name="list")
def list_streams(*, data: Path, workspace: str, json_: Json = False) -> None:
    """List the streams of a workspace and how they stand.

    Parameters
    ----------
    data
        The installation's data folder.
    workspace
        The workspace's name.
    json_
        Print a JSON array.
    """
    with opened(data) as installation:
        key = installation.workspaces.find(workspace)
        newest = installation.reader.next_seq(key)
        found = [
            (one, installation.streams.standing(one)) for one in installation.streams.listed(key)
        ]
    if json_:
        rows = [
            {
                "id": one.id,
                "name": one.name,
                "type": one.destination,
                "state": standing.state,
                "next_seq": standing.place.cursor,
                "lag": max(0, newest - standing.place.cursor),
                "delivered": standing.place.delivered,
                "last_error": standing.place.last_error,
            }
            for one, standing in found
        ]
        print(json.dumps(rows))
        return
    for one, standing in found:
        lag = max(0, newest - standing.place.cursor)
        print(f"{shown(one.name)}  {one.destination or '-'}  {standing.state}  lag {lag}")


@stream.command
def pause(name: str, *, data: Path, workspace: str) -> None:
    """Stop a stream where it stands.

    Parameters
    ----------
    name
        The stream's name or id.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    """
    with opened(data) as installation:
        by, one = _named(installation, workspace, name)
        installation.streams.pause(by, one.id)


@stream.command
def resume(name: str, *, data: Path, workspace: str) -> None:
    """Let a stream go on from where it stands.

    Parameters
    ----------
    name
        The stream's name or id.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    """
    with opened(data) as installation:
        by, one = _named(installation, workspace, name)
        installation.streams.resume(by, one.id)


@stream.command
def replay(
    name: str,
    *,
    data: Path,
    workspace: str,
    from_: Annotated[int, Parameter(name="--from")],
) -> None:
    """Send everything from a seq on again.

    Parameters
    ----------
    name
        The stream's name or id.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    from_
        The seq of the first activity to send again.
    """
    with opened(data) as installation:
        by, one = _named(installation, workspace, name)
        installation.streams.replay(by, one.id, from_)


@stream.command
def delete(name: str, *, data: Path, workspace: str) -> None:
    """Delete a stream.

    Parameters
    ----------
    name
        The stream's name or id.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    """
    with opened(data) as installation:
        by, one = _named(installation, workspace, name)
        installation.streams.delete(by, one.id)


def _named(installation: Installation, workspace: str, name: str) -> tuple[By, Stream]:
    by = installation.workspaces.by_operator(workspace)
    for one in installation.streams.listed(by.workspace):
        if name in (one.id, one.name):
            return by, one
    raise NotFound(f"There is no stream {shown(name)!r} in this workspace")
