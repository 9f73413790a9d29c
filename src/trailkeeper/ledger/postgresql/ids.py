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
    digest = bytearray(hashlib.sha256(id.encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    return UUID(bytes=bytes(digest))
