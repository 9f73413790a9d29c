"""Which other processes run followers of the same data, and what they are told.

On SQLite a lock on a file, which ends with its process, says who is there; on PostgreSQL a session
of the database does (see sessions.py).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Presence(Protocol):
    """A process's share in being there. Leases are taken only by those who have entered, and it
    ends with its process, however that ends."""

    def enter(self, me: str, alone: Callable[[], None]) -> None:
        """Be there, under this name of leases; again after it was lost, else it does nothing. If
        it is known that nobody else is there, `alone` is called before; nobody else enters
        meanwhile. Raises what speaks against it, and what `alone` raises; then one is not there."""
        ...

    def gone(self, owners: Callable[[], set[str]]) -> set[str]:
        """Which of these owners of leases are known to be there no more."""
        ...

    def tell(self) -> None:
        """Tell the others that something was committed; soon, and once for many. Cheap."""
        ...

    def listen(self, heard: Callable[[], None]) -> None:
        """Have `heard` called, in a thread of its own, when others have committed."""
        ...

    def leave(self) -> None:
        """Be there no more."""
        ...


def presence_in(lock: Path, database_url: str) -> Presence:
    """This process's presence with the database of this URL, or with the file of a lock."""
    if not database_url:
        return FilePresence(lock)
    # Only now: who has SQLite need not wait for its import.
    from trailkeeper.followers.sessions import SessionPresence  # noqa: PLC0415

    return SessionPresence(database_url)


class FilePresence:
    """A process's share in a lock on a file.

    Whoever gets the whole lock knows that nobody else is at work, and that the leases there are
    belong to the dead. Where files cannot be locked nobody is ever known to be alone, and such
    leases are waited for. Commits of others are not told; they are found by looking.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def enter(self, me: str, alone: Callable[[], None]) -> None:
        del me
        if self._file is not None:
            return
        # The lock is that of this opening, so that two of one process know of each other, too.
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if _locked(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
                alone()
            _locked(file, fcntl.LOCK_SH)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def gone(self, owners: Callable[[], set[str]]) -> set[str]:
        del owners
        return set()

    def tell(self) -> None:
        pass

    def listen(self, heard: Callable[[], None]) -> None:
        pass

    def leave(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except OSError:
        return False
    return True
