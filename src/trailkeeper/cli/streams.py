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
from trailkeeper.streaming.shape import Shape
from trailkeeper.streaming.stream import Stream

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
        How activities and jobs are written.
    query
        A filter of activities in the query language; without it, all.
    packing
        For object stores: an object for a batch, or for each message.
    compression
        For object stores: none, gzip or zstd.
    from_start
        Begin with the first activity there is instead of the next one. Jobs begin with the next to
        finish.
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
        streams = installation.streams
        found = [(one, streams.standing(one)) for one in streams.listed(key)]
        lags = [streams.lag(standing) for _, standing in found]
    if json_:
        rows = [
            {
                "id": one.id,
                "name": one.name,
                "type": one.destination,
                "state": standing.state,
                "next_seq": standing.place.cursor,
                "lag": lag["activities"],
                "delivered": standing.place.delivered,
                "last_error": standing.place.last_error,
                "jobs": (jobs := standing.jobs_place)
                and {
                    "next_seq": jobs.cursor,
                    "lag": lag["jobs"],
                    "delivered": jobs.delivered,
                    "last_error": jobs.last_error,
                },
            }
            for (one, standing), lag in zip(found, lags, strict=True)
        ]
        print(json.dumps(rows))
        return
    for (one, standing), lag in zip(found, lags, strict=True):
        jobs = f", jobs {lag['jobs']}" if "jobs" in lag else ""
        where = one.destination or "-"
        print(f"{shown(one.name)}  {where}  {standing.state}  lag {lag['activities']}{jobs}")


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
    from_: Annotated[int | None, Parameter(name="--from")] = None,
    jobs_from: int | None = None,
) -> None:
    """Send everything from a seq on again: activities, or jobs, or both.

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
    jobs_from
        The seq of the first job to send again.
    """
    if from_ is None and jobs_from is None:
        detail = "say --from or --jobs-from"
        raise InvalidInput(detail, FieldError(detail, "/from"))
    with opened(data) as installation:
        by, one = _named(installation, workspace, name)
        if from_ is not None:
            installation.streams.replay(by, one.id, from_)
        if jobs_from is not None:
            installation.streams.replay_jobs(by, one.id, jobs_from)


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
