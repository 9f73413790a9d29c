"""The archive of a backup: a tar file (POSIX pax) in one zstd frame (RFC 8878), and its SHA-256.

The hash, of all that is before it, stands in a skippable frame at the end, which zstd's own tools
pass over: no byte can be missing or another one, not even where it would not matter. Only files of
the names that an installation has are written and taken out again; the manifest is the last one.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from trailkeeper.backup.manifest import (
    MANIFEST_FILE,
    BackupError,
    Manifest,
    StoredFile,
    decode_manifest,
)
from trailkeeper.backup.tables import PIECE, PIECE_MAX

LEVEL = 3
BLOCK = 1024 * 1024
PACKED_BYTES = 1024
"""So little is unpacked at once: four bytes may stand for 128 KB."""

SEAL_START = b"\x50\x2a\x4d\x18\x20\x00\x00\x00"
"""The magic number of a skippable frame, and the length of what is in it."""

SEAL_BYTES = len(SEAL_START) + 32
MANIFEST_MAX = 256 * 1024 * 1024

FOLDERS = ("mail", "exports")
FILES = ("secret.key", "trailkeeper.toml")

_IN_FOLDER = re.compile(rf"(?:{'|'.join(FOLDERS)})/[A-Za-z0-9_-][A-Za-z0-9._@+-]{{0,254}}")

Said = Callable[[str], object]
"""Called with what is being done."""

Progress = Callable[[int, int], object]
"""Called with how much of a database is copied, and how much there is."""

Piece = Callable[[str, bytes], object]
"""Called with each piece of a table, in their order."""


class ArchiveWriter:
    """Writes an archive to a file that is open for writing; `close` ends it."""

    def __init__(self, out: BinaryIO) -> None:
        self._sealing = _Sealing(out)
        compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self._frame: Any = compressor.stream_writer(cast("Any", self._sealing), closefd=False)
        self._tar = tarfile.open(  # noqa: SIM115 # `close` closes it
            fileobj=self._frame, mode="w|", format=tarfile.PAX_FORMAT
        )
        self.files: list[StoredFile] = []

    def add(self, name: str, path: Path) -> None:
        """Add a file as it is now."""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            hashing = _Hashing(file)
            self._tar.addfile(_entry(name, size), cast("Any", hashing))
        self.files.append(StoredFile(name, size, hashing.digest.hexdigest()))

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add a file that is in memory."""
        self._tar.addfile(_entry(name, len(data)), io.BytesIO(data))
        self.files.append(StoredFile(name, len(data), hashlib.sha256(data).hexdigest()))

    def add_manifest(self, raw: bytes) -> None:
        self._tar.addfile(_entry(MANIFEST_FILE, len(raw)), io.BytesIO(raw))

    def close(self) -> None:
        self._tar.close()
        self._frame.close()
        self._sealing.seal()


def unpack(archive: Path, target: Path, database_files: tuple[str, ...], piece: Piece) -> Manifest:
    """Take all files out of an archive into an empty folder, but for the pieces of tables, which
    are only passed on, and check them against its manifest. Raises BackupError for an archive that
    is none, or not whole, or not as it was written."""
    with _opened(archive) as frame:
        found, raw = _take_out(frame, target, (*FILES, *database_files), piece)
        frame.finish()
    if raw is None:
        raise BackupError(f"{archive} has no {MANIFEST_FILE} at its end: it is not whole")
    manifest = decode_manifest(raw)
    _compare(archive, manifest, found)
    return manifest


def pieces_of(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The pieces of tables, in their order, of an archive that `unpack` has found to be whole.
    Raises BackupError."""
    with _opened(archive) as frame, _tar(frame) as tar:
        for entry in tar:
            if PIECE.fullmatch(entry.name):
                yield entry.name, _in_memory(tar.extractfile(entry), entry, PIECE_MAX)


@contextmanager
def _opened(archive: Path) -> Generator[_Frame]:
    try:
        with archive.open("rb") as file:
            yield _Frame(file)
    except (tarfile.TarError, zstandard.ZstdError, EOFError) as error:
        raise BackupError(
            f"{archive} is damaged, cut short or no backup: {str(error) or 'it ends too early'}"
        ) from None
    except OSError as error:
        raise BackupError(f"{error.filename or archive}: {error.strerror}") from None


def _tar(frame: _Frame) -> tarfile.TarFile:
    return tarfile.open(fileobj=cast("Any", frame), mode="r|")


def _take_out(
    frame: _Frame, target: Path, names: tuple[str, ...], piece: Piece
) -> tuple[dict[str, StoredFile], bytes | None]:
    found: dict[str, StoredFile] = {}
    manifest: bytes | None = None
    with _tar(frame) as tar:
        for entry in tar:
            file = tar.extractfile(entry) if entry.isreg() else None
            if manifest is not None or file is None or entry.name in found:
                raise BackupError(f"{entry.name[:80]!r} is not where a backup has it")
            if entry.name == MANIFEST_FILE:
                manifest = _in_memory(file, entry, MANIFEST_MAX)
            elif PIECE.fullmatch(entry.name):
                data = _in_memory(file, entry, PIECE_MAX)
                digest = hashlib.sha256(data).hexdigest()
                found[entry.name] = StoredFile(entry.name, len(data), digest)
                piece(entry.name, data)
            elif entry.name in names or _IN_FOLDER.fullmatch(entry.name):
                found[entry.name] = _taken(file, entry, target / entry.name)
            else:
                raise BackupError(f"{entry.name[:80]!r} is no file that a backup has")
    return found, manifest


def _in_memory(file: Any, entry: tarfile.TarInfo, most: int) -> bytes:
    if entry.size > most:
        raise BackupError(f"Its {entry.name[:80]} is too long")
    return file.read()


def _taken(file: Any, entry: tarfile.TarInfo, path: Path) -> StoredFile:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        while block := file.read(BLOCK):
            digest.update(block)
            out.write(block)
            size += len(block)
        out.flush()
        os.fsync(out.fileno())
    return StoredFile(entry.name, size, digest.hexdigest())


def _compare(archive: Path, manifest: Manifest, found: dict[str, StoredFile]) -> None:
    for file in manifest.files:
        if file.name not in found:
            raise BackupError(f"{archive} has no {file.name}, which its manifest names")
        if found[file.name] != file:
            raise BackupError(f"{file.name} in {archive} is not as it was when it was backed up")
    if more := set(found) - {file.name for file in manifest.files}:
        raise BackupError(f"{archive} has {min(more)}, which its manifest does not name")


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


class _Hashing:
    """Hashes what is read of a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


class _Sealing:
    """Hashes what is written, and writes the hash behind it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._digest = hashlib.sha256()

    def write(self, data: bytes, /) -> int:
        self._digest.update(data)
        return self._out.write(data)

    def seal(self) -> None:
        self._out.write(SEAL_START + self._digest.digest())


class _Frame:
    """Reads what is in a zstd frame, and knows whether all is as it was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = os.fstat(file.fileno()).st_size - SEAL_BYTES
        self._digest = hashlib.sha256()
        self._unpacking = zstandard.ZstdDecompressor().decompressobj(read_across_frames=False)
        self._ready, self._at = b"", 0

    def read(self, size: int, /) -> bytes:
        while len(self._ready) - self._at < size and not self._unpacking.eof:
            packed = self._packed()
            if not packed:
                raise EOFError
            # What is left is copied only here: little of a file may be megabytes of what is in it.
            self._ready = self._ready[self._at :] + self._unpacking.decompress(packed)
            self._at = 0
        taken = self._ready[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def _packed(self) -> bytes:
        """The next bytes of the file, but for the seal."""
        packed = self._file.read(max(0, min(PACKED_BYTES, self._left)))
        self._left -= len(packed)
        self._digest.update(packed)
        return packed

    def finish(self) -> None:
        """Read to the end, where the seal is. Raises EOFError, ZstdError and ReadError."""
        while self.read(BLOCK):
            pass
        is_more = bool(self._unpacking.unused_data or self._packed())
        if is_more or self._file.read() != SEAL_START + self._digest.digest():
            raise tarfile.ReadError("its end is not the seal of what is before it")
