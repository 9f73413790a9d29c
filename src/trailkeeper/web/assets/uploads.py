"""Files that were sent and wait for their sender to look at them and say yes.

They are this process's memory, and few: after a restart a file is to be sent again.
"""

from __future__ import annotations

import secrets
import threading
import time

from msgspec import Struct

from trailkeeper.errors import NotFound
from trailkeeper.web.assets.sent import Upload

KEPT_S = 30 * 60
KEPT_MAX = 8
"""So long, and at most so many of all users."""


class Waiting(Struct, frozen=True):
    """A file, and whose it is."""

    owner: tuple[int, int]
    upload: Upload
    since: float


class Uploads:
    """The files of all users; each sees only their own, and in the workspace it was sent in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, Waiting] = {}

    def keep(self, owner: tuple[int, int], upload: Upload) -> str:
        """Keep a file of a user in a workspace; it takes the place of their file before, or of the
        oldest of all. Returns its id."""
        now, id = time.monotonic(), secrets.token_urlsafe(16)
        with self._lock:
            kept = {
                known: one
                for known, one in self._all.items()
                if one.owner != owner and now - one.since < KEPT_S
            }
            while len(kept) >= KEPT_MAX:
                del kept[next(iter(kept))]
            self._all = {**kept, id: Waiting(owner, upload, now)}
        return id

    def find(self, owner: tuple[int, int], id: str) -> Upload:
        """The file. Raises NotFound."""
        with self._lock:
            found = self._all.get(id)
        if found is None or found.owner != owner or time.monotonic() - found.since >= KEPT_S:
            raise NotFound("The file is not kept any more; upload it again")
        return found.upload

    def drop(self, id: str) -> None:
        """The file was used."""
        with self._lock:
            self._all.pop(id, None)


UPLOADS = Uploads()
