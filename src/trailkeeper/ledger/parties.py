"""Actors and targets, written out as the parts of an activity have them.

The same few parties stand in most activities of a log: what is made of one is remembered.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from trailkeeper.activity import Activity, ActivityInput, Actor, Target

REMEMBERED_MAX = 16_384

_encode = msgspec.json.Encoder(order="deterministic").encode


class Party(Struct, frozen=True, gc=False, array_like=True):
    """An actor or a target as the dictionary needs it."""

    type: str
    id: str
    name: str | None
    email: str | None


class PersonalParty(Struct, frozen=True, omit_defaults=True, gc=False):
    """What of a party may have to be erased one day."""

    name: str | None = None
    email: str | None = None
    metadata: dict[str, Any] | None = None


class Written(Struct, frozen=True, gc=False):
    """A party in the public part, in the personal part (but for metadata) and in the text that is
    searched. A plain id is of printable ASCII without blanks."""

    party: Party
    reference: bytes
    personal: bytes
    text: str
    has_plain_id: bool


class Parties(Struct, frozen=True, gc=False):
    """All parties of an activity; `other` is whom the actor acted for."""

    actor: Written
    other: Written | None
    targets: list[Written]

    @staticmethod
    def of(sent: ActivityInput | Activity) -> Parties:
        return Parties(
            _of(sent.actor),
            _of(sent.on_behalf_of) if sent.on_behalf_of else None,
            [_of(target) for target in sent.targets],
        )

    @property
    def have_plain_ids(self) -> bool:
        for target in self.targets:
            if not target.has_plain_id:
                return False
        return self.actor.has_plain_id and (self.other is None or self.other.has_plain_id)


def _of(party: Actor | Target) -> Written:
    return _written(party.type, party.id, party.name, party.email)


def is_plain(id: str) -> bool:
    return " " not in id and id.isascii() and id.isprintable()


@lru_cache(maxsize=REMEMBERED_MAX)
def _written(type: str, id: str, name: str | None, email: str | None) -> Written:
    return Written(
        party=Party(type, id, name, email),
        # A type has nothing in it that JSON would escape.
        reference=b'{"type":"%b","id":%b}' % (type.encode(), _encode(id)),
        personal=_encode(PersonalParty(name, email)),
        text="\n".join([text for text in (name, email, id) if text]),
        has_plain_id=is_plain(id),
    )
