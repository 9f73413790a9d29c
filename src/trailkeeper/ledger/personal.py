"""The personal part of an activity: what may have to be erased one day, and its bytes."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from trailkeeper.activity import ActivityInput, Change, Context, Credential
from trailkeeper.errors import FieldError, InvalidActivity
from trailkeeper.ledger.parties import Parties, PersonalParty
from trailkeeper.redaction import Redactor, TooDeep

encode = msgspec.json.Encoder(order="deterministic").encode


class Personal(Struct, frozen=True, omit_defaults=True, gc=False):
    """The personal part: what may have to be erased one day."""

    actor: PersonalParty
    targets: list[PersonalParty]
    on_behalf_of: PersonalParty | None = None
    credential: Credential | None = None
    reason: str | None = None
    context: Context | None = None
    changes: list[Change] | None = None
    details: dict[str, Any] | None = None


class Rest(Struct, frozen=True, omit_defaults=True, gc=False):
    """The personal part without the parties, in the same order."""

    credential: Credential | None = None
    reason: str | None = None
    context: Context | None = None
    changes: list[Change] | None = None
    details: dict[str, Any] | None = None


decode_personal = msgspec.json.Decoder(Personal).decode


Metadata = list[dict[str, Any] | None]
"""Of the actor, of whom they acted for, and of the targets; empty where nobody has any."""


def metadata_of(sent: ActivityInput, redactor: Redactor, *, texts: bool) -> Metadata:
    """Raises InvalidActivity for what is nested too deep."""
    who = [sent.actor, sent.on_behalf_of, *sent.targets]
    for party in who:
        if party and party.metadata:
            break
    else:
        return []
    pointer = ""
    clean: Metadata = []
    try:
        for pointer, party in zip(_pointers(len(sent.targets)), who, strict=True):  # noqa: B007
            clean.append(redactor.mapping(party.metadata, texts=texts) if party else None)
    except TooDeep as error:
        raise _too_deep(error, pointer) from None
    return clean


def _pointers(targets: int) -> list[str]:
    return ["/actor/metadata", "/on_behalf_of/metadata", *["/targets"] * targets]


def rest_of(sent: ActivityInput, redactor: Redactor, *, texts: bool) -> Rest:
    """Raises InvalidActivity for what is nested too deep."""
    pointer = "/changes"
    try:
        changes = redactor.changes(sent.changes, texts=texts)
        pointer = "/details"
        details = redactor.mapping(sent.details, texts=texts)
    except TooDeep as error:
        raise _too_deep(error, pointer) from None
    return Rest(
        credential=sent.credential,
        reason=redactor.text(sent.reason) if sent.reason and texts else sent.reason,
        context=sent.context,
        changes=changes or None,
        details=details or None,
    )


def _too_deep(error: TooDeep, pointer: str) -> InvalidActivity:
    return InvalidActivity(f"{pointer} {error}", FieldError(str(error), pointer))


def content_of(
    parties: Parties,
    metadata: Metadata,
    rest: Rest,
) -> bytes:
    """The encoding of the personal part, of pieces that are encoded already."""
    pieces = [parties.actor.personal, parties.other.personal if parties.other else b""]
    pieces += [target.personal for target in parties.targets]
    if metadata:
        pieces = [
            _with_metadata(piece, more) if more else piece
            for piece, more in zip(pieces, metadata, strict=True)
        ]
    return b'{"actor":%b,"targets":[%b]%b%b' % (
        pieces[0],
        b",".join(pieces[2:]),
        b',"on_behalf_of":%b' % pieces[1] if parties.other else b"",
        b"}" if (last := encode(rest)) == b"{}" else b"," + last[1:],
    )


def _with_metadata(piece: bytes, metadata: dict[str, Any]) -> bytes:
    comma = b"," if piece != b"{}" else b""
    return piece[:-1] + comma + b'"metadata":' + encode(metadata) + b"}"
