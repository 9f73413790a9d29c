"""An activity as JSON, put together of its canonical bytes.

What comes out is what encoding the decoded activity gives, but names, context, changes and details
are copied and never decoded, whatever their size. Only the times are written anew.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Raw, Struct

_ABSENT = Raw()
_EMPTY = Raw(b"{}")
_NULL = Raw(b"null")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Public(Struct, frozen=True, gc=False):
    id: Raw
    seq: Raw
    occurred_at: int
    received_at: int
    action: Raw
    outcome: Raw
    environment: Raw
    actor: Raw
    targets: list[Raw]
    on_behalf_of: Raw = _ABSENT


class _Personal(Struct, frozen=True, gc=False):
    actor: Raw
    targets: list[Raw]
    on_behalf_of: Raw = _EMPTY
    credential: Raw = _NULL
    reason: Raw = _NULL
    context: Raw = _EMPTY
    changes: Raw = Raw(b"[]")
    details: Raw = _EMPTY


class _Whole(Struct, frozen=True, gc=False):
    """The members of trailkeeper.activity.Activity, in the same order."""

    id: Raw
    seq: Raw
    action: Raw
    occurred_at: datetime
    received_at: datetime
    actor: Raw
    on_behalf_of: Raw
    credential: Raw
    targets: Raw
    outcome: Raw
    reason: Raw
    context: Raw
    changes: Raw
    details: Raw
    environment: Raw


_public = msgspec.json.Decoder(_Public).decode
_personal = msgspec.json.Decoder(_Personal).decode
_encode = msgspec.json.Encoder().encode


def activity_json(public: bytes, personal: bytes | None) -> bytes:
    """The JSON of an activity as the API answers with it, on one line; without the personal part
    (erased), names and details are absent."""
    known = _public(public)
    told = _personal(personal) if personal else _Personal(_EMPTY, [_EMPTY] * len(known.targets))
    parties = zip(known.targets, told.targets, strict=True)
    other = known.on_behalf_of
    whole = _Whole(
        known.id,
        known.seq,
        known.action,
        _EPOCH + timedelta(0, 0, known.occurred_at),
        _EPOCH + timedelta(0, 0, known.received_at),
        Raw(_party(known.actor, told.actor)),
        _NULL if other is _ABSENT else Raw(_party(other, told.on_behalf_of)),
        told.credential,
        Raw(b"[%b]" % b",".join([_party(*party) for party in parties])),
        known.outcome,
        told.reason,
        told.context,
        told.changes,
        told.details,
        known.environment,
    )
    return _encode(whole)


def _party(reference: Raw, more: Raw) -> bytes:
    """Type and id, then name, e-mail and metadata: two objects become one."""
    rest = bytes(more)
    return bytes(reference) if rest == b"{}" else bytes(reference)[:-1] + b"," + rest[1:]
