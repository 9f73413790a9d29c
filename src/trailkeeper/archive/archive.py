"""An archive: where a workspace's closed days are kept, and for how long."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from trailkeeper.archive.kinds import KINDS
from trailkeeper.errors import NotFound
from trailkeeper.identity.seal import Seal
from trailkeeper.ledger.schema import archive, workspace
from trailkeeper.streaming.field import KEPT, read_settings

KIND = "archive"
"""Of the follower that each archive has, with its id."""

NAME = "Archive"
PURPOSE = "archive"
"""What its secrets are sealed for."""


class Archive(Struct, frozen=True, kw_only=True):
    """`settings` are those of its destination, as text, and hold of secrets only that they are
    kept. All activities before the seq `closed_seq` were received before the time `closed_until`
    and no other will be. `keep_days` is None for ever. Times are microseconds."""

    key: int
    workspace: int
    workspace_id: str
    id: str
    destination: str
    settings: dict[str, str]
    keep_days: int | None
    closed_until: int
    closed_seq: int
    created_at: int


def find(connection: Connection, workspace_key: int) -> Archive | None:
    row = connection.execute(_ASKED.where(archive.c.workspace == workspace_key)).first()
    return _archive(row) if row else None


def read(connection: Connection, workspace_key: int) -> Archive:
    """Raises NotFound."""
    if one := find(connection, workspace_key):
        return one
    raise NotFound("This workspace has no archive")


def every(connection: Connection) -> list[Archive]:
    """Of all workspaces."""
    return [_archive(row) for row in connection.execute(_ASKED.order_by(archive.c.key))]


def secrets_in(connection: Connection, one: Archive, seal: Seal) -> dict[str, str]:
    """The secrets of its destination."""
    sealed = connection.execute(
        select(archive.c.secrets_sealed).where(archive.c.key == one.key)
    ).scalar()
    if sealed is None:
        return {}
    return msgspec.json.decode(seal.open(sealed, sealed_for(one)), type=dict[str, str])


def sealed_for(one: Archive) -> str:
    return f"{one.workspace} {one.id}"


def whole_settings(one: Archive, secrets: dict[str, str]) -> Any:
    """The settings struct of its destination. Raises InvalidInput where it no longer fits."""
    return read_settings(KINDS[one.destination].settings, {**open_settings(one), **secrets})


def open_settings(one: Archive) -> dict[str, str]:
    """Without what only says that a secret is kept."""
    return {name: value for name, value in one.settings.items() if value != KEPT}


def describe(one: Archive) -> str:
    """Where it is, in one line for people."""
    kind = KINDS[one.destination]
    return f"{kind.label}: {kind.where(one.settings)}"


_ASKED = select(archive, workspace.c.id.label("workspace_id")).join(
    workspace, workspace.c.key == archive.c.workspace
)


def _archive(row: Any) -> Archive:
    settings: dict[str, str] = msgspec.json.decode(row.settings)
    return Archive(
        key=row.key,
        workspace=row.workspace,
        workspace_id=row.workspace_id,
        id=row.id,
        destination=row.destination,
        settings={**settings, **{str(name): KEPT for name in row.secrets_kept.split()}},
        keep_days=row.keep_days,
        closed_until=row.closed_until,
        closed_seq=row.closed_seq,
        created_at=row.created_at,
    )
