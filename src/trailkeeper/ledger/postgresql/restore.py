"""Activities that were recorded elsewhere: their seq, times and bytes stay as they are."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from trailkeeper.ledger.postgresql.append import Appender
from trailkeeper.ledger.postgresql.ids import as_version_8, id_key
from trailkeeper.ledger.postgresql.rows import Row, inserts, row_of
from trailkeeper.ledger.postgresql.words import lexemes_of, vector_of
from trailkeeper.ledger.prepare import Prepared

BEFORE_ALL = -1
"""A time at which no entry of the dictionary gets another name: they have their latest ones."""

REMOVED_KEY = -1
"""The key in `activity_id` of an activity that was removed before it came here."""


class Recorded(Struct, frozen=True, gc=False):
    """An activity as it was recorded. `prepared` has its bytes and what its index entry is made
    of; without salt its personal part was erased."""

    key: int
    seq: int
    id: str
    received_at: int
    public: bytes
    prepared: Prepared
    is_erased: bool


class Restorer(Appender):
    """For a workspace's activities in order of seq, in open transactions. The dictionaries' entries
    are there, and so are the counts by hour; nothing else of the workspace is changed."""

    def restore(self, workspace: int, activities: list[Recorded]) -> None:
        self._dictionaries.learn([(workspace, BEFORE_ALL, one.prepared) for one in activities])
        self._partitions.cover([one.key for one in activities])
        rows: list[Row] = []
        for one in activities:
            prepared = one.prepared
            keys = (
                self._dictionaries.term(workspace, "action", prepared.action),
                self._dictionaries.entity(workspace, prepared.actor),
                self._dictionaries.entity(workspace, prepared.targets[0]),
            )
            words = vector_of(self._tokens(workspace, prepared), lexemes_of(prepared.text))
            row = row_of(
                workspace,
                one.key,
                one.seq,
                one.received_at,
                keys,
                one.id,
                id_key(one.id),
                prepared,
                one.public,
                words,
            )
            rows.append(row)
        for statement in inserts(rows):
            self._db.execute(*statement)
        if erased := [one.key for one in activities if one.is_erased]:
            self._db.execute(
                "UPDATE activity SET salt = NULL, personal = NULL"
                " WHERE workspace = ? AND key = ANY(?)",
                (workspace, erased),
            )

    def restore_removed(self, workspace: int, removed: list[tuple[bytes, int, int, bytes]]) -> None:
        """What stays of removed activities: fingerprint, seq, time of receipt and content hash."""
        self._db.executemany(
            "INSERT INTO activity_id (workspace, id_key, seq, key, received_at, content_hash)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (workspace, key_of_fingerprint(fingerprint), seq, REMOVED_KEY, at, content_hash)
                for fingerprint, seq, at, content_hash in removed
            ],
        )


def key_of_fingerprint(fingerprint: bytes) -> UUID:
    """What stands for the id of a removed activity: whether that was a UUID is not known."""
    return as_version_8(fingerprint)
