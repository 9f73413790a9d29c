"""What is appended, and what its sender gets.

The way into the tables is each database's own (sqlite/append.py, postgresql/append.py).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import count
from typing import Literal

from msgspec import Struct

from trailkeeper.activity import rfc3339, uuid7s
from trailkeeper.errors import FieldError, IdConflict
from trailkeeper.ledger.prepare import Prepared


class Receipt(Struct, frozen=True, gc=False):
    """What the sender of an activity gets once it is on disk. `status` is HTTP's: 200 for what was
    there already."""

    id: str
    seq: int
    received_at: str
    status: Literal[200, 201] = 201

    @property
    def already_there(self) -> bool:
        return self.status == 200


class Append(Struct, frozen=True, gc=False):
    """A workspace and the activities to append to it, in order.

    With an `authority`, by which it was let in when the writer's generation was `generation`, the
    writer asks again in its transaction whether that still holds, if anything has changed since.
    """

    workspace: int
    activities: list[Prepared]
    authority: bytes | None = None
    generation: int = -1

    @property
    def size(self) -> int:
        return sum(prepared.size for prepared in self.activities)


Outcomes = list[Receipt | IdConflict]


@dataclass(slots=True)
class Group:
    """What is appended to one workspace at `received_at`: the new activities with their ids, whose
    seqs follow each other from `first_seq`, and what is known of senders' ids (seq, received_at
    and content hash, or None for one that is not in use)."""

    received_at: int
    first_seq: int
    new: list[Prepared]
    new_ids: list[str]
    known: dict[str, tuple[int, int, bytes] | None]

    def ids(self, append: Append) -> None:
        for prepared in append.activities:
            if prepared.id is not None:
                self.known[prepared.id] = None


def receive(append: Append, group: Group) -> Outcomes:
    """Give each activity its id and seq, or find that it is there already."""
    received = rfc3339(group.received_at)
    without = [prepared for prepared in append.activities if prepared.id is None]
    made = uuid7s(group.received_at, len(without))
    if len(without) == len(append.activities):
        seqs = count(group.first_seq + len(group.new))
        group.new += without
        group.new_ids += made
        return [Receipt(id, seq, received) for id, seq in zip(made, seqs)]  # noqa: B905 # endless
    outcomes: Outcomes = []
    left = iter(made)
    for prepared in append.activities:
        id = prepared.id
        if id is None:
            id = next(left)
        elif there := group.known.get(id):
            outcomes.append(_again(prepared, *there, id))
            continue
        seq = group.first_seq + len(group.new)
        group.new.append(prepared)
        group.new_ids.append(id)
        if prepared.id is not None:
            group.known[id] = (seq, group.received_at, prepared.content_hash)
        outcomes.append(Receipt(id, seq, received))
    return outcomes


def _again(
    prepared: Prepared,
    seq: int,
    received_at: int,
    content_hash: bytes,
    id: str,
) -> Receipt | IdConflict:
    if content_hash == prepared.content_hash:
        return Receipt(id, seq, rfc3339(received_at), 200)
    return IdConflict(
        f"An activity with the id `{id}` was recorded with other content, as seq {seq}. An id"
        " belongs to one activity for ever: send the same content again, or use a new id",
        FieldError("is used with other content", "/id"),
    )


def fold(text: str) -> str:
    """A text without case and accents, as the pickers compare it."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
