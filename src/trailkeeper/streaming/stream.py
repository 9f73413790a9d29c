"""A stream: what of the log goes where, in which form."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from trailkeeper.errors import NotFound
from trailkeeper.followers.follower import Log, Place
from trailkeeper.identity.seal import Seal
from trailkeeper.ledger.schema import stream
from trailkeeper.streaming.destination import Compression, Packing
from trailkeeper.streaming.destinations import DESTINATIONS
from trailkeeper.streaming.field import KEPT, read_settings

FIRST_NAME = "Audit log stream"
"""What the first stream is called that nobody has named."""

KIND = "stream"
JOBS_KIND = "stream_jobs"
KINDS: dict[Log, str] = {"activities": KIND, "jobs": JOBS_KIND}
"""The kinds of the two followers that each stream has, with its id: one for each log."""

Mask = Literal["drop", "hash", "keep"]


class Stream(Struct, frozen=True, kw_only=True):
    """A stream's settings. `settings` are those of its destination, as text, and hold of secrets
    only that they are kept. `query` is a filter of activities in the query language, `masks` say
    what becomes of fields (JSON pointers into the activity or the job); `packing` and `compression`
    are for object stores: a file for a batch (JSON Lines or Parquet) or for each message."""

    key: int
    workspace: int
    id: str
    name: str
    enabled: bool
    destination: str | None
    settings: dict[str, str]
    format: str
    template: str
    query: str
    masks: dict[str, Mask]
    packing: Packing
    compression: Compression
    job_history: bool
    recipe_step_details: bool
    login_user_activity: bool
    created_at: int

    @property
    def included(self) -> list[str]:
        flags = ("job_history", "recipe_step_details", "login_user_activity")
        return [name for name in flags if getattr(self, name)]


NOWHERE = Place(
    key=0,
    workspace=0,
    kind=KIND,
    log="activities",
    id="",
    name="",
    revision=0,
    state="paused",
    cursor=0,
    batch_end=None,
    failures=0,
    retry_at=0,
    pause_reason=None,
    last_error=None,
    last_error_at=None,
    delivered=0,
    delivered_at=None,
    created_at=0,
)
"""Where a stream stands that was not made yet."""


def blank(workspace: int) -> Stream:
    """A stream that was not made yet: it has no id."""
    return Stream(
        key=0,
        workspace=workspace,
        id="",
        name=FIRST_NAME,
        enabled=False,
        destination=None,
        settings={},
        format="trailkeeper",
        template="",
        query="",
        masks={},
        packing="batch",
        compression="none",
        job_history=False,
        recipe_step_details=False,
        login_user_activity=True,
        created_at=0,
    )


def read(connection: Connection, workspace: int, id: str) -> Stream:
    """Raises NotFound."""
    row = connection.execute(
        select(stream).where(stream.c.workspace == workspace, stream.c.id == id)
    ).first()
    if row is None:
        raise NotFound(f"There is no stream {id[:100]!r} in this workspace")
    return _stream(row)


def listed(connection: Connection, workspace: int) -> list[Stream]:
    """The oldest first."""
    rows = connection.execute(
        select(stream).where(stream.c.workspace == workspace).order_by(stream.c.key)
    ).all()
    return [_stream(row) for row in rows]


def secrets_in(connection: Connection, one: Stream, seal: Seal) -> dict[str, str]:
    """The secrets of a stream's destination."""
    sealed = connection.execute(
        select(stream.c.secrets_sealed).where(stream.c.key == one.key)
    ).scalar()
    if sealed is None:
        return {}
    return msgspec.json.decode(seal.open(sealed, f"{one.workspace} {one.id}"), type=dict[str, str])


def salt_of(connection: Connection, one: Stream) -> bytes:
    return connection.execute(select(stream.c.salt).where(stream.c.key == one.key)).scalar_one()


def whole_settings(one: Stream, secrets: dict[str, str]) -> Any:
    """The settings struct of a stream's destination. Raises InvalidInput where it no longer
    fits."""
    kind = DESTINATIONS[one.destination or ""]
    open_values = {name: value for name, value in one.settings.items() if value != KEPT}
    return read_settings(kind.settings, {**open_values, **secrets})


def describe(one: Stream) -> str | None:
    """Where it leads, in one line for people."""
    if one.destination is None:
        return None
    kind = DESTINATIONS[one.destination]
    return f"{kind.label}: {kind.where(one.settings)}"


def _stream(row: Any) -> Stream:
    settings: dict[str, str] = msgspec.json.decode(row.settings)
    kept = {str(name): KEPT for name in row.secrets_kept.split()}
    return Stream(
        key=row.key,
        workspace=row.workspace,
        id=row.id,
        name=row.name,
        enabled=bool(row.enabled),
        destination=row.destination,
        settings={**settings, **kept},
        format=row.format,
        template=row.template,
        query=row.query,
        masks=msgspec.json.decode(row.masks),
        packing=row.packing,
        compression=row.compression,
        job_history=bool(row.include_jobs),
        recipe_step_details=bool(row.include_job_steps),
        login_user_activity=bool(row.include_login_activity),
        created_at=row.created_at,
    )
