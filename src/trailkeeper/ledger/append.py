"""Appending activities inside the writer's transaction: seq, keys, dictionaries, rows, index.

Only the writer's thread calls this. What it remembers between transactions (the dictionaries'
keys, the next `seq`) is dropped when another process has written or something was rolled back.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

from msgspec import Struct

from trailkeeper.activity import now_us, rfc3339, uuid7s
from trailkeeper.errors import FieldError, IdConflict, NotFound
from trailkeeper.ledger import rollup
from trailkeeper.ledger.fresh import (
    FRESH_MAX,
    add_fresh,
    add_to_index,
    count_fresh,
    insert_many,
    move,
)
from trailkeeper.ledger.index import Token
from trailkeeper.ledger.keys import KeyMaker
from trailkeeper.ledger.parties import Party
from trailkeeper.ledger.prepare import Prepared, public_bytes
from trailkeeper.ledger.removal import fingerprint

DICTIONARY_MAX = 200_000
"""Entries of the dictionaries that are remembered; past that all are forgotten and read again."""

INSERT_ACTIVITY = (
    "INSERT INTO activity (key, workspace, seq, id, received_at, action, actor, target,"
    " content_hash, public, salt, personal)"
)


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
class _Workspace:
    next_seq: int
    last_received_at: int


@dataclass(slots=True)
class _Entity:
    as_actor: str
    """Its token in the inverted index."""
    key: int
    name: str | None
    email: str | None
    named_at: int
    is_actor: bool
    is_target: bool
    as_target: str = ""
    """The same with its type's, once it was a target."""


@dataclass(slots=True)
class _Group:
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


class Appender:
    """Appends on one driver-level connection. Not thread-safe, and never shared."""

    def __init__(self, connection: Any) -> None:
        self._db = connection
        self._keys = KeyMaker(connection)
        self._workspaces: dict[int, _Workspace] = {}
        self._entities: dict[tuple[int, str, str], _Entity] = {}
        self._terms: dict[tuple[int, str, str], int] = {}
        self._known_words: dict[tuple[int, str, str, str | None], tuple[int, str]] = {}
        self._fresh: int | None = None
        self._removed: bool | None = None

    def forget(self) -> None:
        """Drop what is remembered: another process wrote, or something was rolled back."""
        self._keys.forget()
        self._workspaces.clear()
        self._entities.clear()
        self._terms.clear()
        self._known_words.clear()
        self._fresh = None
        self._removed = None

    def note_removal(self) -> None:
        """There are removed activities from now on."""
        self._removed = True

    @property
    def fresh(self) -> int:
        """Rows that wait to be moved into the inverted index."""
        if self._fresh is None:
            self._fresh = count_fresh(self._db)
        return self._fresh

    def move_fresh(self) -> None:
        """Move them, in the open transaction."""
        move(self._db)
        self._fresh = 0

    def append(self, appends: list[Append]) -> list[Outcomes]:
        """Insert all rows of these appends, in order, in the open transaction.

        Per activity there is a Receipt, or an IdConflict where its id is in use with other
        content. An id that is there with the same content gets its first receipt again. Raises
        the driver's errors; then the caller rolls back and calls `forget`.
        """
        if len(self._entities) > DICTIONARY_MAX or len(self._terms) > DICTIONARY_MAX:
            self.forget()
        now = now_us()
        groups: dict[int, _Group] = {}
        for append in appends:
            group = groups.get(append.workspace)
            if group is None:
                group = groups[append.workspace] = self._group(append.workspace, now)
            group.ids(append)
        for workspace, group in groups.items():
            self._look_up(workspace, group)
        outcomes = [_receive(append, groups[append.workspace]) for append in appends]
        for workspace, group in groups.items():
            self._insert(workspace, group)
            state = self._workspaces[workspace]
            state.next_seq = group.first_seq + len(group.new)
            state.last_received_at = group.received_at
            self._db.execute(
                "UPDATE workspace SET next_seq=?, last_received_at=? WHERE key=?",
                (state.next_seq, state.last_received_at, workspace),
            )
        return outcomes

    def _group(self, workspace: int, now: int) -> _Group:
        state = self._state(workspace)
        return _Group(max(state.last_received_at, now), state.next_seq, [], [], {})

    def _look_up(self, workspace: int, group: _Group) -> None:
        """Find which of the senders' ids are in use already."""
        wanted = [id for id, there in group.known.items() if there is None]
        if not wanted:
            return
        rows = self._db.execute(
            "SELECT id, seq, received_at, content_hash FROM activity"
            " WHERE workspace=? AND id IN (SELECT value FROM json_each(?))",
            (workspace, json.dumps(wanted)),
        )
        for id, seq, received_at, content_hash in rows:
            group.known[id] = (seq, received_at, content_hash)
        if self._has_removed():
            self._look_up_removed(workspace, group)

    def _has_removed(self) -> bool:
        """Whether there are activities that were removed, of which only the ids' fingerprints are
        left."""
        if self._removed is None:
            row = self._db.execute("SELECT EXISTS (SELECT 1 FROM removed_activity)").fetchone()
            self._removed = bool(row[0])
        return self._removed

    def _look_up_removed(self, workspace: int, group: _Group) -> None:
        by_fingerprint = {fingerprint(id): id for id, there in group.known.items() if there is None}
        rows = self._db.execute(
            "SELECT fingerprint, seq, received_at, content_hash FROM removed_activity"
            " WHERE workspace=? AND fingerprint IN (SELECT unhex(value) FROM json_each(?))",
            (workspace, json.dumps([one.hex() for one in by_fingerprint])),
        )
        for found, seq, received_at, content_hash in rows:
            group.known[by_fingerprint[found]] = (seq, received_at, content_hash)

    def _insert(self, workspace: int, group: _Group) -> None:
        if not group.new:
            return
        received_at = group.received_at
        times = [
            received_at if prepared.occurred_at is None else prepared.occurred_at
            for prepared in group.new
        ]
        rows: list[tuple[Any, ...]] = []
        index: list[tuple[int, str]] = []
        cells: list[rollup.Cell] = []
        for key, at, seq, id, prepared in zip(
            self._keys.make(times),
            times,
            range(group.first_seq, group.first_seq + len(times)),
            group.new_ids,
            group.new,
            strict=True,
        ):
            action, words = self._words(
                workspace, prepared.action, prepared.environment, prepared.source
            )
            actor = self._entity(workspace, prepared.actor, at, is_actor=True)
            body = f"{words} {actor.as_actor} {prepared.tokens}"
            if other := prepared.on_behalf_of:
                body += " " + self._entity(workspace, other, at, is_actor=True).as_actor
            first = 0
            for target in prepared.targets:
                entity = self._entity(workspace, target, at, is_actor=False)
                first = first or entity.key
                body += " " + entity.as_target
            rows.append(
                (
                    key,
                    workspace,
                    seq,
                    id,
                    received_at,
                    action,
                    actor.key,
                    first,
                    prepared.content_hash,
                    public_bytes(prepared, id, seq, received_at, at),
                    prepared.salt,
                    prepared.personal,
                )
            )
            index.append((key, f"{body} {prepared.text}"))
            cells.append((rollup.hour_of(key), action, prepared.has_failed))
        insert_many(self._db, INSERT_ACTIVITY, rows)
        rollup.add(self._db, workspace, Counter(cells))
        if len(index) < FRESH_MAX // 2:
            fresh = self.fresh
            add_fresh(self._db, index)
            self._fresh = fresh + len(index)
        else:
            add_to_index(self._db, index)

    def _state(self, workspace: int) -> _Workspace:
        if state := self._workspaces.get(workspace):
            return state
        row = self._db.execute(
            "SELECT next_seq, last_received_at FROM workspace WHERE key=?", (workspace,)
        ).fetchone()
        if not row:
            raise NotFound(f"There is no workspace {workspace}")
        state = self._workspaces[workspace] = _Workspace(*row)
        return state

    def _words(
        self, workspace: int, action: str, environment: str, source: str | None
    ) -> tuple[int, str]:
        """The key of an action, and the tokens of all these."""
        wanted = (workspace, action, environment, source)
        if known := self._known_words.get(wanted):
            return known
        key = self._term(workspace, "action", action)
        tokens = (
            f"{Token.WORKSPACE}{workspace} {Token.ACTION}{key}"
            f" {Token.ENVIRONMENT}{self._term(workspace, 'environment', environment)}"
        )
        if source:
            tokens += f" {Token.SOURCE}{self._term(workspace, 'source', source)}"
        self._known_words[wanted] = key, tokens
        return key, tokens

    def _term(self, workspace: int, kind: str, value: str) -> int:
        wanted = (workspace, kind, value)
        if key := self._terms.get(wanted):
            return key
        row = self._db.execute(
            "SELECT key FROM term WHERE workspace=? AND kind=? AND value=?", wanted
        ).fetchone()
        if not row:
            row = self._db.execute(
                "INSERT INTO term (workspace, kind, value) VALUES (?,?,?) RETURNING key", wanted
            ).fetchone()
        self._terms[wanted] = row[0]
        return row[0]

    def _entity(self, workspace: int, party: Party, at: int, *, is_actor: bool) -> _Entity:
        wanted = (workspace, party.type, party.id)
        entity = self._entities.get(wanted)
        if entity is None:
            entity = self._entities[wanted] = self._find_or_make(wanted, party, at, is_actor)
        name, email = party.name, party.email
        is_known_role = entity.is_actor if is_actor else entity.is_target
        renamed = (name is not None and name != entity.name) or (
            email is not None and email != entity.email
        )
        if not is_known_role or (renamed and at >= entity.named_at):
            self._update_entity(entity, party, at, is_actor)
        if not is_actor and not entity.as_target:
            kind = self._term(workspace, "type", party.type)
            entity.as_target = f"{Token.TARGET}{entity.key} {Token.TYPE}{kind}"
        return entity

    def _find_or_make(
        self, wanted: tuple[int, str, str], party: Party, at: int, is_actor: bool
    ) -> _Entity:
        row: tuple[Any, ...] | None = self._db.execute(
            "SELECT key, name, email, named_at, is_actor, is_target FROM entity"
            " WHERE workspace=? AND type=? AND id=?",
            wanted,
        ).fetchone()
        if not row:
            folded = fold(f"{party.name or ''} {party.email or ''} {party.id}")
            rest = (party.name, party.email, at, is_actor, not is_actor)
            made: tuple[Any, ...] = self._db.execute(
                "INSERT INTO entity (workspace, type, id, folded, name, email, named_at, is_actor,"
                " is_target) VALUES (?,?,?,?,?,?,?,?,?) RETURNING key",
                (*wanted, folded, *rest),
            ).fetchone()
            row = (*made, *rest)
        key, name, known_email, named_at, was_actor, was_target = row
        return _Entity(
            f"{Token.ACTOR}{key}", key, name, known_email, named_at, was_actor, was_target
        )

    def _update_entity(self, entity: _Entity, party: Party, at: int, is_actor: bool) -> None:
        entity.is_actor = entity.is_actor or is_actor
        entity.is_target = entity.is_target or not is_actor
        if at >= entity.named_at:
            entity.name = party.name if party.name is not None else entity.name
            entity.email = party.email if party.email is not None else entity.email
            entity.named_at = at
        self._db.execute(
            "UPDATE entity SET name=?, email=?, folded=?, named_at=?, is_actor=?, is_target=?"
            " WHERE key=?",
            (
                entity.name,
                entity.email,
                fold(f"{entity.name or ''} {entity.email or ''} {party.id}"),
                entity.named_at,
                entity.is_actor,
                entity.is_target,
                entity.key,
            ),
        )


def fold(text: str) -> str:
    """A text without case and accents, as the pickers compare it."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def _receive(append: Append, group: _Group) -> Outcomes:
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
