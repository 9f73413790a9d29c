"""A folder of this machine as the place of an archive.

Only below a folder that the operator allows (setting stream_folders). Each file is written beside
its place, brought to disk (fsync) and then linked there, so that it is there whole or not at all.
Files are for their owner only (0600); links are not followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.streaming.destination import Answer, Kind, Opening, shortened
from trailkeeper.streaming.destinations.file import (
    NEED_SOMEBODY,
    allowed_folder,
    made_folder,
)
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.object_store import OtherContent

BLOCK = 1024 * 1024
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
"""What file systems say that know no hard links."""


class FolderSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    folder: Annotated[
        str,
        setting(
            "Folder", help="One that the operator allows, or a folder below it; made if needed."
        ),
    ]


class Folder:
    """Raises InvalidInput for a folder that is not allowed."""

    def __init__(self, settings: FolderSettings, opening: Opening) -> None:
        self._root, self._folder = allowed_folder(Path(settings.folder), opening.guard)

    def put(self, name: str, body: bytes, content_type: str) -> None:
        del content_type
        with _told("written"), self._above(name) as (folder, last):
            with _written(folder, last, body) as temporary:
                if _linked(folder, temporary, last):
                    os.fsync(folder)
                    return
            if _content(folder, last) != body:
                raise OtherContent(
                    shortened(
                        f"There is a file {self._folder / name} with other content. It is not"
                        " overwritten: choose another folder, or remove it"
                    ),
                    is_final=True,
                )

    def overwrite(self, name: str, body: bytes, content_type: str) -> None:
        del content_type
        with _told("written"), self._above(name) as (folder, last):
            with _written(folder, last, body) as temporary:
                os.rename(temporary, last, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    def read(self, name: str) -> bytes:
        if not self._is_there(name):
            raise FileNotFoundError(name)
        try:
            with _told("read"), self._above(name) as (folder, last):
                return _content(folder, last)
        except DeliveryFailed as error:
            if isinstance(error.__context__, FileNotFoundError):
                raise FileNotFoundError(name) from None
            raise

    def remove(self, name: str) -> None:
        if not self._is_there(name):
            return
        with _told("removed"), self._above(name) as (folder, last):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(last, dir_fd=folder)
            os.fsync(folder)
        # An empty folder says nothing; one that is in use stays, and so does the archive's own.
        if (above := (self._folder / name).parent) != self._folder:
            with contextlib.suppress(OSError):
                above.rmdir()

    def names(self, folder: str) -> list[str]:
        above = self._folder / folder
        with _told("listed"):
            return sorted(
                str(one.relative_to(self._folder))
                for one in above.rglob("*")
                if one.is_file() and not one.name.startswith(".")
            )

    def local(self, name: str) -> Path | None:
        return self._folder / name

    def test(self) -> Answer:
        name = f"trailkeeper-test-{secrets.token_hex(6)}.txt"
        try:
            self.put(name, b"Trailkeeper can write here\n", "text/plain")
            self.remove(name)
        except DeliveryFailed as error:
            return Answer(False, error.why)
        return Answer(True, shortened(f"Files are written to {self._folder}"))

    def close(self) -> None:
        """Nothing is open between calls."""

    def _is_there(self, name: str) -> bool:
        """So that looking for something makes no folders."""
        try:
            return stat.S_ISREG((self._folder / name).lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _failed("read", error) from None

    @contextlib.contextmanager
    def _above(self, name: str) -> Generator[tuple[int, str]]:
        """The opened folder that a file is in, made if needed, and the file's own name."""
        path = self._folder / name
        folder = made_folder(self._root, path.parent)
        try:
            yield folder, path.name
        finally:
            os.close(folder)


@contextlib.contextmanager
def _written(folder: int, name: str, body: bytes) -> Generator[str]:
    """A file beside the place it is meant for, on disk; what is left of it goes at the end, and so
    does what a crash has left of an earlier one."""
    for one in os.listdir(folder):
        if one.startswith(f".{name}.") and one.endswith(".tmp"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(one, dir_fd=folder)
    temporary = f".{name}.{secrets.token_hex(6)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(temporary, flags, 0o600, dir_fd=folder)
    try:
        try:
            rest = memoryview(body)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
        yield temporary
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)


def _linked(folder: int, temporary: str, name: str) -> bool:
    """Whether it got the name, which was free."""
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            return False
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    return True


def _content(folder: int, name: str) -> bytes:
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(file, "rb") as opened:
        return opened.read()


@contextlib.contextmanager
def _told(what: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise _failed(what, error) from None


def _failed(what: str, error: OSError) -> DeliveryFailed:
    why = shortened(f"The folder cannot be {what}: {error}")
    return DeliveryFailed(why, is_final=error.errno in NEED_SOMEBODY)


KIND = Kind(
    name="folder",
    label="Folder",
    settings=FolderSettings,
    open=Folder,  # pyright: ignore[reportArgumentType]
    where=lambda settings: settings.get("folder", ""),
    is_offered=lambda guard: bool(guard.folders),
)
