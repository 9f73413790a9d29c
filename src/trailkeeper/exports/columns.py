"""An activity as a row of a table, for CSV and Parquet alike.

docs/reference/export-formats.md describes the columns. What has no fixed shape is JSON in a text.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from trailkeeper.activity import Context, Credential
from trailkeeper.ledger.dump import Row

Kind = Literal["number", "time", "text"]

COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("seq", "number"),
    ("id", "text"),
    ("occurred_at", "time"),
    ("received_at", "time"),
    ("action", "text"),
    ("outcome", "text"),
    ("reason", "text"),
    ("environment", "text"),
    ("actor_type", "text"),
    ("actor_id", "text"),
    ("actor_name", "text"),
    ("actor_email", "text"),
    ("actor_metadata", "text"),
    ("on_behalf_of_type", "text"),
    ("on_behalf_of_id", "text"),
    ("on_behalf_of_name", "text"),
    ("on_behalf_of_email", "text"),
    ("on_behalf_of_metadata", "text"),
    ("credential_type", "text"),
    ("credential_id", "text"),
    ("target_type", "text"),
    ("target_id", "text"),
    ("target_name", "text"),
    ("target_email", "text"),
    ("ip_address", "text"),
    ("user_agent", "text"),
    ("session_id", "text"),
    ("request_id", "text"),
    ("trace_id", "text"),
    ("source", "text"),
    ("targets", "text"),
    ("changes", "text"),
    ("details", "text"),
)
"""`number` is a whole number, `time` microseconds since 1970 in UTC. `targets`, `changes`,
`details` and the metadata are JSON; what an activity has not is None."""


_ABSENT = Raw()


class _Reference(Struct, frozen=True, gc=False):
    type: str
    id: str


class _Public(Struct, frozen=True, gc=False):
    id: str
    seq: int
    occurred_at: int
    received_at: int
    action: str
    outcome: str
    environment: str
    actor: _Reference
    targets: list[_Reference]
    on_behalf_of: _Reference | None = None


class _Party(Struct, frozen=True, gc=False, omit_defaults=True):
    name: str | None = None
    email: str | None = None
    metadata: Raw = _ABSENT


_NOBODY = _Party()


class _Personal(Struct, frozen=True, gc=False):
    actor: _Party
    targets: list[_Party]
    on_behalf_of: _Party = _NOBODY
    credential: Credential | None = None
    reason: str | None = None
    context: Context = Context()
    changes: Raw = _ABSENT
    details: Raw = _ABSENT


class _Target(Struct, frozen=True, gc=False, omit_defaults=True):
    type: str
    id: str
    name: str | None = None
    email: str | None = None
    metadata: Raw = _ABSENT


_public = msgspec.json.Decoder(_Public).decode
_personal = msgspec.json.Decoder(_Personal).decode
_encode = msgspec.json.Encoder().encode


def values(row: Row) -> tuple[Any, ...]:
    """The values of the COLUMNS of one activity."""
    known = _public(row.public)
    parties = len(known.targets)
    told = _personal(row.personal) if row.personal else _Personal(_NOBODY, [_NOBODY] * parties)
    actor, other, credential = told.actor, known.on_behalf_of, told.credential
    first, primary, context = known.targets[0], told.targets[0], told.context
    behalf = told.on_behalf_of
    return (
        known.seq,
        known.id,
        known.occurred_at,
        known.received_at,
        known.action,
        known.outcome,
        told.reason,
        known.environment,
        known.actor.type,
        known.actor.id,
        actor.name,
        actor.email,
        _text(actor.metadata),
        other.type if other else None,
        other.id if other else None,
        behalf.name,
        behalf.email,
        _text(behalf.metadata),
        credential.type if credential else None,
        credential.id if credential else None,
        first.type,
        first.id,
        primary.name,
        primary.email,
        context.ip_address,
        context.user_agent,
        context.session_id,
        context.request_id,
        context.trace_id,
        context.source,
        _targets(known.targets, told.targets),
        _text(told.changes),
        _text(told.details),
    )


def _targets(references: list[_Reference], parties: list[_Party]) -> str:
    both = zip(references, parties, strict=True)
    return _encode([_Target(a.type, a.id, b.name, b.email, b.metadata) for a, b in both]).decode()


def _text(raw: Raw) -> str | None:
    return None if raw is _ABSENT else bytes(raw).decode()
