"""From the canonical bytes back to an activity."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from trailkeeper.activity import (
    Activity,
    Actor,
    ActorType,
    Change,
    Context,
    Outcome,
    Target,
    from_us,
)
from trailkeeper.ledger.parties import PersonalParty
from trailkeeper.ledger.personal import decode_personal


class _ActorReference(Struct, frozen=True):
    type: ActorType
    id: str


class _TargetReference(Struct, frozen=True):
    type: str
    id: str


class _Public(Struct, frozen=True):
    id: str
    seq: int
    occurred_at: int
    received_at: int
    action: str
    outcome: Outcome
    environment: str
    actor: _ActorReference
    targets: list[_TargetReference]
    on_behalf_of: _ActorReference | None = None


_decode_public = msgspec.json.Decoder(_Public).decode
_NOTHING = PersonalParty()
_NO_CONTEXT = Context()
_NO_CHANGES: list[Change] = []


def decode_activity(public: bytes, personal: bytes | None) -> Activity:
    """The activity of these bytes; without the personal part (erased), names and details are
    absent."""
    open_part = _decode_public(public)
    closed = decode_personal(personal) if personal else None
    parties = closed.targets if closed else [_NOTHING] * len(open_part.targets)
    other = open_part.on_behalf_of
    return Activity(
        id=open_part.id,
        seq=open_part.seq,
        action=open_part.action,
        occurred_at=from_us(open_part.occurred_at),
        received_at=from_us(open_part.received_at),
        actor=_actor(open_part.actor, closed.actor if closed else _NOTHING),
        on_behalf_of=_actor(other, (closed and closed.on_behalf_of) or _NOTHING) if other else None,
        credential=closed.credential if closed else None,
        targets=[
            Target(
                type=reference.type,
                id=reference.id,
                name=party.name,
                email=party.email,
                metadata=party.metadata,
            )
            for reference, party in zip(open_part.targets, parties, strict=True)
        ],
        outcome=open_part.outcome,
        reason=closed.reason if closed else None,
        context=(closed and closed.context) or _NO_CONTEXT,
        changes=(closed and closed.changes) or _NO_CHANGES,
        details=(closed and closed.details) or {},
        environment=open_part.environment,
    )


def _actor(reference: _ActorReference, party: PersonalParty) -> Actor:
    return Actor(
        type=reference.type,
        id=reference.id,
        name=party.name,
        email=party.email,
        metadata=party.metadata,
    )
