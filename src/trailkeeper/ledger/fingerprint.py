"""One hash over all of a workspace's activities, by which two copies of a log are compared.

It is the SHA-256 of, for each activity in the order of seq, its public part, its salt and its
personal part, each with its length before it (8 bytes, big-endian); what was erased has the length
2^64 - 1 and no bytes.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from msgspec import Struct

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


def fingerprint(database: Any, workspace: int) -> Fingerprint:
    """That of a workspace as it stands, on a driver-level connection. It reads in chunks: for one
    state of a log that is being written, call it inside a transaction."""
    digest = hashlib.sha256()
    count, first, after = 0, None, -1
    while rows := database.execute(_ROWS, (workspace, after + 1, CHUNK_ROWS)).fetchall():
        pieces: list[bytes] = []
        for _, public, salt, personal in rows:
            for part in (public, salt, personal):
                pieces += (_ABSENT,) if part is None else (_length(len(part)), part)
        digest.update(b"".join(pieces))
        first = rows[0][0] if first is None else first
        after = rows[-1][0]
        count += len(rows)
    return Fingerprint(count, first, None if after < 0 else after, digest.hexdigest())
