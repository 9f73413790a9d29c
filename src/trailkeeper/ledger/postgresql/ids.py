"""What stands for an activity's id in `activity_id`."""

from __future__ import annotations

import hashlib
import re
from uuid import UUID

_CANONICAL = re.compile(
    "[0-9a-f]{8}-[0-9a-f]{4}-[0-79a-f][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
).fullmatch


def id_key(id: str) -> UUID:
    """A UUID that is the id's own: itself, if it is one as they are written, else made of a digest.

    Those of version 8 are all made, so that nobody can choose an id that stands for another.
    """
    if len(id) == 36 and _CANONICAL(id):
        return UUID(id)
    return digest_key(id)


def digest_key(id: str) -> UUID:
    """The UUID that is made of an id's digest, whatever the id is."""
    return as_version_8(hashlib.sha256(id.encode()).digest())


def as_version_8(digest: bytes) -> UUID:
    """The UUID of an id's SHA-256, or of the first 16 bytes of that."""
    made = bytearray(digest[:16])
    made[6] = made[6] & 0x0F | 0x80
    return UUID(bytes=bytes(made))
