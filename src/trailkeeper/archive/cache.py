"""Files of archives on this machine: those of an object store are fetched when a search needs them,
kept for the next one, and those that were not used for longest go when there are too many.

A file's name is the hash of its content, and it is checked against that before it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import threading
from collections import Counter
from collections.abc import Generator
from pathlib import Path

from trailkeeper.archive.archive import Archive
from trailkeeper.archive.layout import file_of
from trailkeeper.archive.manifest import FileEntry, sha256
from trailkeeper.archive.place import Place
from trailkeeper.errors import ArchiveUnavailable
from trailkeeper.followers.follower import DeliveryFailed

BLOCK = 1024 * 1024
Seen = tuple[str, int, int, int]


class Cache:
    """In a folder of its own, of at most `most` bytes beside what is in use."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most
        self._lock = threading.Lock()
        self._in_use: Counter[str] = Counter()
        self._checked: dict[Path, Seen] = {}

    def path_of(self, one: Archive, place: Place, file: FileEntry) -> Path:
        """Where a file is, or will be once it is held."""
        local = place.local(file_of(one.workspace_id, file.date, file.first_seq, file.end_seq))
        return local or self._folder / f"{file.sha256}.parquet"

    @contextlib.contextmanager
    def held(self, one: Archive, place: Place, files: list[FileEntry]) -> Generator[list[Path]]:
        """These files, for as long as it is open. Raises ArchiveUnavailable for one that is gone,
        damaged or cannot be fetched."""
        names = [file.sha256 for file in files]
        with self._lock:
            self._in_use.update(names)
        try:
            yield [self._file(one, place, file) for file in files]
        finally:
            with self._lock:
                self._in_use.subtract(names)
                self._in_use += Counter()  # those that nobody uses are forgotten
                self._evict()

    def _file(self, one: Archive, place: Place, file: FileEntry) -> Path:
        name = file_of(one.workspace_id, file.date, file.first_seq, file.end_seq)
        kept = self.path_of(one, place, file)
        if place.local(name):
            self._check(kept, name, file)
            return kept
        with contextlib.suppress(FileNotFoundError):
            os.utime(kept)
            return kept
        body = _fetched(place, name)
        if sha256(body) != file.sha256:
            raise damaged(name)
        self._keep(kept, body)
        return kept

    def _check(self, path: Path, name: str, file: FileEntry) -> None:
        """Read it once for as long as it does not change."""
        try:
            with path.open("rb") as opened:
                found = os.fstat(opened.fileno())
                seen = (file.sha256, found.st_ino, found.st_size, found.st_mtime_ns)
                if self._checked.get(path) == seen:
                    return
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except FileNotFoundError:
            raise gone(name) from None
        except OSError as error:
            raise ArchiveUnavailable(f"The archive's file {name} cannot be read: {error}") from None
        if digest != file.sha256:
            raise damaged(name)
        self._checked[path] = seen

    def _keep(self, path: Path, body: bytes) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        temporary = path.with_suffix(f".{secrets.token_hex(6)}.tmp")
        try:
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as opened:
                opened.write(body)
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise ArchiveUnavailable(
                f"A file of the archive cannot be kept in {self._folder}: {error.strerror}"
            ) from None

    def _evict(self) -> None:
        """The lock is held."""
        try:
            there = [(one.stat(), one) for one in self._folder.glob("*.parquet")]
        except OSError:
            return
        left = sum(found.st_size for found, _ in there)
        for found, path in sorted(there, key=lambda one: one[0].st_mtime_ns):
            if left <= self._most:
                return
            if not self._in_use[path.stem]:
                path.unlink(missing_ok=True)
                left -= found.st_size


def gone(name: str) -> ArchiveUnavailable:
    return ArchiveUnavailable(
        f"The archive's file {name} is gone. `trailkeeper archive verify` tells what else is"
    )


def damaged(name: str) -> ArchiveUnavailable:
    return ArchiveUnavailable(
        f"The archive's file {name} is not what was written: its SHA-256 is another."
        " `trailkeeper archive verify` tells what else is"
    )


def _fetched(place: Place, name: str) -> bytes:
    try:
        return place.read(name)
    except FileNotFoundError:
        raise gone(name) from None
    except DeliveryFailed as error:
        raise ArchiveUnavailable(f"The archive cannot be read: {error.why}") from None
