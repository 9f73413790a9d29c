"""Local files, one message on a line: `<folder>/<stream>/<log>-<day>-<number>.jsonl`, or `.log` for
what is not JSON.

Only below a folder that the operator allows (setting stream_folders). The day is that of receipt,
in UTC; the number goes up when a file would grow beyond its size. Every parcel is on disk (fsync)
before it counts as taken. Files are for their owner only (0600), links are not followed. What a
crash has torn, a last line without its end, is cut off before anything is added, and the batch it
was of comes again as a whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
from collections.abc import Generator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated

from msgspec import Struct

from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.followers.follower import DeliveryFailed
from trailkeeper.streaming.destination import Answer, Kind, Message, Opening, Parcel, shortened
from trailkeeper.streaming.field import setting
from trailkeeper.streaming.guard import Guard
from trailkeeper.streaming.messages import as_line, is_json

MB = 1_000_000
BLOCK = 64 * 1024
NEED_SOMEBODY = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT, errno.ELOOP)


class FileSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    folder: Annotated[
        str,
        setting(
            "Folder", help="One that the operator allows, or a folder below it; made if needed."
        ),
    ]
    max_mb: Annotated[
        int, setting("Largest file in MB", "number", "Then another is begun.", ge=10, le=100_000)
    ] = 100


class FileDestination:
    """Adds whole parcels at the end, in order."""

    def __init__(self, settings: FileSettings, opening: Opening) -> None:
        self._root, folder = allowed_folder(Path(settings.folder), opening.guard)
        self._folder = folder / _file_name(opening.stream_id)
        self._max = settings.max_mb * MB

    def deliver(self, parcel: Parcel) -> None:
        json = is_json(parcel)
        ending = "jsonl" if json else "log"
        for day, messages in groupby(parcel.messages, _day):
            lines = b"".join(as_line(one.body, json=json) + b"\n" for one in messages)
            with _told(), self._opened() as folder:
                self._append(folder, f"{_file_name(parcel.log)}-{day}", ending, lines)

    def test(self) -> Answer:
        try:
            with _told(), self._opened() as folder:
                file = _create(folder, ".test")
                try:
                    os.write(file, b"Trailkeeper can write here\n")
                    os.fsync(file)
                finally:
                    os.close(file)
                    os.unlink(".test", dir_fd=folder)
        except DeliveryFailed as error:
            return Answer(False, error.why)
        return Answer(True, shortened(f"Files are written to {self._folder}"))

    def close(self) -> None:
        """Nothing is open between parcels."""

    @contextlib.contextmanager
    def _opened(self) -> Generator[int]:
        """The stream's folder, for this process alone."""
        folder = made_folder(self._root, self._folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder
        finally:
            os.close(folder)

    def _append(self, folder: int, stem: str, ending: str, lines: bytes) -> None:
        number = _newest(folder, stem, ending)
        file, size = _open_repaired(folder, f"{stem}-{number:04d}.{ending}")
        if size and size + len(lines) > self._max:
            os.close(file)
            file, size = _open_repaired(folder, f"{stem}-{number + 1:04d}.{ending}")
        try:
            _write(file, lines)
            os.fsync(file)
        except OSError:
            # A full disk: nothing of it stays, if that can be.
            with contextlib.suppress(OSError):
                os.ftruncate(file, size)
            raise
        finally:
            os.close(file)
        if not size:
            os.fsync(folder)


def allowed_folder(folder: Path, guard: Guard) -> tuple[Path, Path]:
    """The allowed folder, and the wanted one below it, both without links in them. Raises
    InvalidInput."""
    if not guard.folders:
        detail = "cannot be set: the operator allows streams no folders (setting stream_folders)"
        raise InvalidInput(f"The folder {detail}", FieldError(detail, "/folder"))
    real = Path(os.path.realpath(folder))
    for root in (Path(os.path.realpath(one)) for one in guard.folders):
        if folder.is_absolute() and real.is_relative_to(root):
            return root, real
    detail = f"must be {' or '.join(map(str, guard.folders))}, or below"
    raise InvalidInput(f"The folder {detail}", FieldError(detail, "/folder"))


def made_folder(root: Path, folder: Path) -> int:
    """The folder, opened, and made if needed; not the root, which may be a disk that is not
    there."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    at = os.open(root, flags)
    for name in folder.relative_to(root).parts:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=at)
        try:
            below = os.open(name, flags, dir_fd=at)
        finally:
            os.close(at)
        at = below
    return at


def _day(message: Message) -> str:
    at = message.received_at or message.at
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%d")


def _file_name(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}", text):
        return text
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _newest(folder: int, stem: str, ending: str) -> int:
    """The highest number of a day's files."""
    form = re.compile(rf"{re.escape(stem)}-(\d{{4,9}})\.{ending}")
    return max(
        (int(found[1]) for name in os.listdir(folder) if (found := form.fullmatch(name))), default=1
    )


def _create(folder: int, name: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, 0o600, dir_fd=folder)


def _open_repaired(folder: int, name: str) -> tuple[int, int]:
    """A file to add to, and its size without a torn last line."""
    file = _create(folder, name)
    try:
        size = os.fstat(file).st_size
        whole = _end_of_last_line(file, size)
        if whole != size:
            os.ftruncate(file, whole)
    except BaseException:
        os.close(file)
        raise
    return file, whole


def _end_of_last_line(file: int, size: int) -> int:
    end = size
    while end:
        start = max(0, end - BLOCK)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


@contextlib.contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except BlockingIOError:
        raise DeliveryFailed("Another process writes to this stream's folder") from None
    except OSError as error:
        why = shortened(f"The file cannot be written: {error}")
        raise DeliveryFailed(why, is_final=error.errno in NEED_SOMEBODY) from None


KIND = Kind(
    name="file",
    label="Local files",
    settings=FileSettings,
    open=FileDestination,
    where=lambda settings: settings.get("folder", ""),
    is_offered=lambda guard: bool(guard.folders),
    parcel_messages=5_000,
    parcel_bytes=8 * MB,
    message_bytes=8 * MB,
)
