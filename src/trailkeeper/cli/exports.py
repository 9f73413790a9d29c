"""`export`: the log, or what matches a filter, into a file or to standard output."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from trailkeeper.exports.export import Wish, details_of
from trailkeeper.exports.kinds import Compression, Format
from trailkeeper.exports.wishes import wish_of
from trailkeeper.exports.write import Written, write_export
from trailkeeper.identity.acting import By
from trailkeeper.installation import Installation, InstallationError, opened
from trailkeeper.ledger.dump import Dump, Order

Values = tuple[str, ...]
Several = Parameter(negative=())


def export(
    query: str = "",
    *,
    data: Path,
    workspace: str,
    format_: Annotated[Format, Parameter(name="--format")] = "jsonl",
    compression: Compression = "none",
    order: Order = "desc",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    action: Annotated[Values, Several] = (),
    category: Annotated[Values, Several] = (),
    actor: Annotated[Values, Several] = (),
    target: Annotated[Values, Several] = (),
    target_type: Annotated[Values, Several] = (),
    outcome: Annotated[Values, Several] = (),
    ip: Annotated[Values, Several] = (),
    environment: Annotated[Values, Several] = (),
    source: Annotated[Values, Several] = (),
    session: Annotated[Values, Several] = (),
    range_: Annotated[str, Parameter(name="--range")] = "",
    from_: Annotated[str, Parameter(name="--from")] = "",
    to: str = "",
    tz: str = "",
    json_: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Export activities, also beside a running server: what was recorded before the call.

    The file is written under another name first: where one of the given name is, it is whole. That
    somebody exported, and how much, is recorded.

    Parameters
    ----------
    query
        The query language: `actor:robin@example.com action:recipe.* "sync sku"`.
    data
        The installation's data folder.
    workspace
        The workspace's name.
    format_
        jsonl has the API's JSON, an activity per line; csv and parquet are tables.
    compression
        For jsonl and csv. Parquet files are always packed inside, with zstd.
    order
        desc (newest first) or asc.
    output
        The file to write; one that is there is replaced. Default: standard output.
    action
        Such as recipe.stopped or recipe.*; this and the following may be given several times,
        which makes them alternatives.
    category
        A category of actions.
    actor
        Who did it: an id, type:id, an e-mail address or a name.
    target
        What it was done to, in the same way.
    target_type
        A type of targets, such as recipe.
    outcome
        success or failure.
    ip
        An address or a CIDR block.
    environment
        Such as prod.
    source
        Where it came from, such as n8n.
    session
        A session's id.
    range_
        1h, 24h, 7d or 30d up to now.
    from_
        Only from this time or date on.
    to
        Only before this time, or up to the end of this date.
    tz
        The time zone of dates without an offset; default: UTC.
    json_
        Print a summary as one JSON object: on stdout, or on stderr where stdout has the export.
    """
    several = {
        "action": action,
        "category": category,
        "actor": actor,
        "target": target,
        "target_type": target_type,
        "outcome": outcome,
        "ip": ip,
        "environment": environment,
        "source": source,
        "session": session,
    }
    pairs = [(name, value) for name, values in several.items() for value in values]
    pairs += [("range", range_), ("from", from_), ("to", to), ("tz", tz), ("q", query)]
    wish = wish_of(format_, compression, order, pairs)
    is_binary = format_ == "parquet" or compression != "none"
    if output is None and is_binary and sys.stdout.isatty():
        raise InstallationError("This is not for a terminal; name a file with --output")
    began = time.monotonic()
    with opened(data) as installation:
        by = installation.workspaces.by_operator(workspace)
        end = installation.reader.next_seq(by.workspace)
        dump = Dump(
            installation.engine,
            by.workspace,
            wish.asked,
            order=wish.order,
            end_seq=end,
            older=installation.reader.older,
        )
        _record(installation, by, "audit_log.export_requested", wish)
        with _target(output) as file, _progress(quiet=json_) as progress:
            task = progress.add_task(f"Exporting {workspace}", total=dump.count())
            written = write_export(
                dump,
                file,
                wish.format,
                wish.compression,
                progress=lambda count, _bytes: progress.update(task, completed=count),
            )
        _record(installation, by, "audit_log.exported", wish, written)
    _say(output, written, end, time.monotonic() - began, as_json=json_)
    return 0


@contextmanager
def _target(output: Path | None) -> Generator[Any]:
    """The file to write to; it gets its name once it is whole and on disk."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if output.exists() and not output.is_file():
        if output.is_dir():
            raise InstallationError(f"{output} is a folder; name a file in it")
        with _writable(output), output.open("wb") as file:  # a pipe or a device stays what it is
            yield file
        return
    part = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with _writable(output):
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(output)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def _writable(output: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise InstallationError(f"{output} cannot be written: {error.strerror}") from None


def _progress(*, quiet: bool) -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )


def _record(
    installation: Installation, by: By, action: str, wish: Wish, written: Written | None = None
) -> None:
    """Before anything leaves, and once it has."""
    here = installation.workspaces.target(by.workspace)
    details = details_of(wish)
    if written:
        details |= {"count": written.count, "bytes": written.bytes, "sha256": written.sha256}
    sent = by.activity(action, here, details=details)
    installation.writer.append(by.workspace, [installation.recorder.own(by.workspace, sent)])


def _say(output: Path | None, written: Written, end: int, seconds: float, *, as_json: bool) -> None:
    rate = round(written.count / seconds) if seconds else written.count
    to = sys.stderr if output is None else sys.stdout
    if as_json:
        summary = {
            "count": written.count,
            "bytes": written.bytes,
            "sha256": written.sha256,
            "end_seq": end,
            "file": None if output is None else str(output),
            "seconds": round(seconds, 3),
            "per_second": rate,
        }
        print(json.dumps(summary), file=to)
    elif output is not None or sys.stderr.isatty():
        where = "" if output is None else f" to {output}"
        print(
            f"{written.count:,} activities{where}, {written.bytes:,} bytes, {rate:,} per second",
            file=sys.stderr,
        )
