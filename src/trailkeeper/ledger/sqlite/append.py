"""Appending activities inside the writer's transaction: seq, keys, dictionaries, rows, index.

Only the writer's thread calls this. What it remembers between transactions (the dictionaries'
keys, the next `seq`) is dropped when another process has written or something was rolled back.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from trailkeeper.activity import now_us
from trailkeeper.errors import NotFound
from trailkeeper.ledger import rollup
from trailkeeper.ledger.append import Append, Group, Outcomes, receive
from trailkeeper.ledger.keys import KeyMaker
from trailkeeper.ledger.prepare import public_bytes
from trailkeeper.ledger.removal import fingerprint
from trailkeeper.ledger.sqlite.dictionaries import Dictionaries
from trailkeeper.ledger.sqlite.fresh import (
    add_fresh,
    add_to_index,
    count_fresh,
    insert_many,
    move,
)
from trailkeeper.ledger.vocabulary import Vocabulary

FRESH_AT_ONCE = 200
"""So many rows at once go into the index without waiting."""

INSERT_ACTIVITY = (
    "INSERT INTO activity (key, workspace, seq, id, received_at, action, actor, target,"
    " content_hash, public, salt, personal)"
)


_WORD = "INSERT INTO word (workspace, word) VALUES (?,?) ON CONFLICT DO NOTHING"


@dataclass(slots=True)
class _Workspace:
    next_seq: int
    last_received_at: int


class Appender(Dictionaries):
    """Appends on one driver-level connection. Not thread-safe, and never shared."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._keys = KeyMaker(connection)
        self._vocabulary = Vocabulary(self._write_words)
        self._workspaces: dict[int, _Workspace] = {}
        self._fresh: int | None = None
        self._removed: bool | None = None

    def _write_words(self, workspace: int, words: list[str]) -> None:
        self._db.executemany(_WORD, [(workspace, word) for word in words])

    def forget(self) -> None:
        """Drop what is remembered: another process wrote, or something was rolled back."""
        self._keys.forget()
        self._vocabulary.forget()
        self._workspaces.clear()
        self._forget_entries()
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
        """Insert all rows of these appends; see the protocol in ledger/backend.py."""
        if self._is_too_large():
            self.forget()
        now = now_us()
        groups: dict[int, Group] = {}
        for append in appends:
            group = groups.get(append.workspace)
            if group is None:
                group = groups[append.workspace] = self._group(append.workspace, now)
            group.ids(append)
        for workspace, group in groups.items():
            self._look_up(workspace, group)
        outcomes = [receive(append, groups[append.workspace]) for append in appends]
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

    def _group(self, workspace: int, now: int) -> Group:
        state = self._state(workspace)
        return Group(max(state.last_received_at, now), state.next_seq, [], [], {})

    def _look_up(self, workspace: int, group: Group) -> None:
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

    def _look_up_removed(self, workspace: int, group: Group) -> None:
        by_fingerprint = {fingerprint(id): id for id, there in group.known.items() if there is None}
        rows = self._db.execute(
            "SELECT fingerprint, seq, received_at, content_hash FROM removed_activity"
            " WHERE workspace=? AND fingerprint IN (SELECT unhex(value) FROM json_each(?))",
            (workspace, json.dumps([one.hex() for one in by_fingerprint])),
        )
        for found, seq, received_at, content_hash in rows:
            group.known[by_fingerprint[found]] = (seq, received_at, content_hash)

    def _insert(self, workspace: int, group: Group) -> None:
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
        self._vocabulary.add(workspace, [prepared.text for prepared in group.new])
        if len(index) < FRESH_AT_ONCE:
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
