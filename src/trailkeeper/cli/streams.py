"""`stream`: where the audit log is streamed to."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from trailkeeper.activity import rfc3339, to_us
from trailkeeper.cli.text import shown
from trailkeeper.errors import FieldError, InvalidInput, NotFound
from trailkeeper.identity.acting import By
from trailkeeper.installation import Installation, opened
from trailkeeper.streaming.overview import Part
from trailkeeper.streaming.shape import Shape
from trailkeeper.streaming.stream import Mask, Stream

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
    template: str = "",
    mask: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
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
    template
        JSON around each message, with {{{log_message}}} in it.
    mask
        What becomes of a field, as POINTER=drop, POINTER=hash or POINTER=keep, for example
        /actor/email=hash; as often as needed.
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
    settings = pairs(set, "/set")
    masks = _masks(mask)
    with opened(data) as installation:
        by, streams = installation.workspaces.by_operator(workspace), installation.streams
        made = streams.create(by, name, from_start=from_start)
        try:
            streams.set_destination(by, made.id, type, settings)
            shape = Shape(
                format=format,
                template=template,
                query=query,
                masks=masks,
                packing=packing,
                compression=compression,
            )
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
        overviews = installation.stream_overviews
        found = [(one, overviews.of(one)) for one in installation.streams.listed(key)]
    if json_:
        rows = [
            {
                "id": one.id,
                "name": one.name,
                "type": one.destination,
                "state": overview.state,
                **_figures(overview.parts[0]),
                "jobs": next(map(_figures, overview.parts[1:]), None),
            }
            for one, overview in found
        ]
        print(json.dumps(rows))
        return
    for one, overview in found:
        line = [shown(one.name), one.destination or "-", overview.state]
        line += [
            f"{part.label.lower()}: lag {part.lag.count} ({part.lag.seconds:.0f} s),"
            f" {part.throughput.last_5_minutes:g}/min"
            for part in overview.parts
        ]
        print("  ".join(line))


@stream.command
def deliveries(
    name: str,
    *,
    data: Path,
    workspace: str,
    failed: bool = False,
    jobs: bool = False,
    limit: int = 20,
    json_: Json = False,
) -> None:
    """List the latest deliveries of a stream, the newest first.

    Parameters
    ----------
    name
        The stream's name or id.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    failed
        Only those that have failed.
    jobs
        Those of jobs, instead of activities.
    limit
        How many, at most 1,000.
    json_
        Print a JSON array.
    """
    with opened(data) as installation:
        _, one = _named(installation, workspace, name)
        overviews = installation.stream_overviews
        part = overviews.of(one).part("jobs" if jobs else "activities")
        found = overviews.deliveries(part, limit=limit, outcome="failed" if failed else None)
    if json_:
        print(msgspec.json.encode(found).decode())
        return
    for tried in found:
        print(
            f"{rfc3339(tried.started_at)}  {tried.outcome}  seq {tried.first} to {tried.end - 1}"
            f"  {tried.count} {part.nouns[1]}  try {tried.attempt}  {tried.took_us / 1_000:.0f} ms"
            + (f"  {shown(tried.error)}" if tried.error else "")
        )


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
    from_time: datetime | None = None,
    jobs_from: int | None = None,
) -> None:
    """Send everything from a seq or a time on again: activities, or jobs, or both.

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
    from_time
        Instead of it, the time since which they were recorded, for example 2026-11-22T14:05:00; UTC
        without an offset.
    jobs_from
        The seq of the first job to send again.
    """
    if from_ is not None and from_time is not None:
        detail = "either --from or --from-time can be given, and not both"
        raise InvalidInput(detail, FieldError(detail, "/from"))
    if from_ is None and from_time is None and jobs_from is None:
        detail = "say --from, --from-time or --jobs-from"
        raise InvalidInput(detail, FieldError(detail, "/from"))
    with opened(data) as installation:
        by, one = _named(installation, workspace, name)
        seq = from_
        if from_time is not None:
            at = from_time if from_time.tzinfo else from_time.replace(tzinfo=UTC)
            seq = installation.reader.seq_at(by.workspace, to_us(at))
        if seq is not None:
            installation.streams.replay(by, one.id, seq)
        if jobs_from is not None:
            installation.streams.replay_jobs(by, one.id, jobs_from)


@stream.command
def retry(name: str, *, data: Path, workspace: str, jobs: bool = False) -> None:
    """Send again what a stream's destination did not take; prints how many that are.

    Parameters
    ----------
    name
        The stream's name or id.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    jobs
        The jobs, instead of the activities.
    """
    with opened(data) as installation:
        by, one = _named(installation, workspace, name)
        log = "jobs" if jobs else "activities"
        print(installation.streams.retry_dead_letters(by, one.id, log=log))


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


def _figures(part: Part) -> dict[str, Any]:
    return {
        "next_seq": part.place.cursor,
        "lag": msgspec.to_builtins(part.lag),
        "throughput": msgspec.to_builtins(part.throughput),
        "delivered": part.place.delivered,
        "dead_letters": part.dead_letters,
        "last_error": part.place.last_error,
    }


def pairs(given: tuple[str, ...], field: str) -> dict[str, str]:
    """Raises InvalidInput."""
    pairs: dict[str, str] = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not equals:
            detail = f"{one[:60]!r} is not KEY=VALUE"
            raise InvalidInput(detail, FieldError(detail, field))
        pairs[key] = value
    return pairs


def _masks(given: tuple[str, ...]) -> dict[str, Mask]:
    """Raises InvalidInput."""
    try:
        return msgspec.convert(pairs(given, "/mask"), dict[str, Mask])
    except msgspec.ValidationError:
        detail = "must be POINTER=drop, POINTER=hash or POINTER=keep"
        raise InvalidInput(f"A mask {detail}", FieldError(detail, "/mask")) from None


def _named(installation: Installation, workspace: str, name: str) -> tuple[By, Stream]:
    by = installation.workspaces.by_operator(workspace)
    for one in installation.streams.listed(by.workspace):
        if name in (one.id, one.name):
            return by, one
    raise NotFound(f"There is no stream {shown(name)!r} in this workspace")
