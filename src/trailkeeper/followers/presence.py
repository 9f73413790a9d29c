"""Which processes run followers of a data folder, told by a lock that ends with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path


class Presence:
    """A process's share in a lock on a file.

    Leases are taken only by those who have entered; however a process ends, the system takes its
    share back. Whoever gets the whole lock therefore knows that nobody else is at work, and that
    the leases there are belong to the dead. Where files cannot be locked nobody is ever known to be
    alone, and such leases are waited for.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def enter(self, alone: Callable[[], None]) -> None:
        """Take a share, once. If nobody else has one, `alone` is called before; nobody else enters
        meanwhile. Raises OSError, and what `alone` raises; then no share is taken."""
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

    def leave(self) -> None:
        """Give the share back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except OSError:
        return False
    return True
