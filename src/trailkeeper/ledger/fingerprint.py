"""One hash over all of a workspace's activities, by which two copies of a log are compared.

It is the SHA-256 of, for each activity in the order of seq, its public part, its salt and its
personal part, each with its length before it (8 bytes, big-endian); what was erased has the length
2^64 - 1 and no bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

Row = tuple[int, bytes, bytes | None, bytes | None]
"""An activity's seq, public part, salt and personal part."""

CHUNK_ROWS = 2_000
_ABSENT = b"\xff" * 8
_length = struct.Struct("!Q").pack

_ROWS = (
    "SELECT seq, public, salt, personal FROM activity WHERE workspace=? AND seq>=?"
    " ORDER BY seq LIMIT ?"
)


class Fingerprint(Struct, frozen=True):
    """How many activities there are, from which seq to which (None without any), and their hash."""

    count: int
    first_seq: int | None
    last_seq: int | None
    sha256: str


class Fingerprinting:
    """The fingerprint of a log whose activities come by in the order of seq."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._count = 0
        self._first: int | None = None
        self._last: int | None = None

    def add(self, rows: Sequence[Row]) -> None:
        """The next activities."""
        if not rows:
            return
        pieces: list[bytes] = []
        for _, public, salt, personal in rows:
            for part in (public, salt, personal):
                pieces += (_ABSENT,) if part is None else (_length(len(part)), part)
        self._digest.update(b"".join(pieces))
        self._first = rows[0][0] if self._first is None else self._first
        self._last = rows[-1][0]
        self._count += len(rows)

    def done(self) -> Fingerprint:
        return Fingerprint(self._count, self._first, self._last, self._digest.hexdigest())


def fingerprint(database: Any, workspace: int) -> Fingerprint:
    """That of a workspace as it stands, on a driver-level connection. It reads in chunks: for one
    state of a log that is being written, call it inside a transaction."""
    made, after = Fingerprinting(), -1
    while rows := database.execute(_ROWS, (workspace, after + 1, CHUNK_ROWS)).fetchall():
        made.add(rows)
        after = rows[-1][0]
    return made.done()
