"""From a dump to the bytes of a file."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import zstandard
from msgspec import Struct

from trailkeeper.exports.files import Out, writing
from trailkeeper.exports.kinds import Compression, Format
from trailkeeper.ledger.dump import Dump

GZIP_LEVEL = 4
"""A third of level 6's time for files that are some percent longer."""

ZSTD_LEVEL = 3

_GZIP = 31
"""To zlib: the window of 32 KiB, with gzip's header (RFC 1952)."""

Progress = Callable[[int, int], Any]
"""Called after each chunk with the activities and the bytes written so far."""


class TooLong(Exception):
    """A file would be longer than it may be."""


class Written(Struct, frozen=True):
    """What was written; the hash is of the file's bytes."""

    count: int
    bytes: int
    sha256: str


class _Counting:
    """Counts and hashes what goes to a file, and stops before it is too long."""

    def __init__(self, out: Out, max_bytes: int | None) -> None:
        self._out = out
        self._max = max_bytes
        self.hash = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes, /) -> int:
        self.bytes += len(data)
        if self._max is not None and self.bytes > self._max:
            raise TooLong(f"The file would be longer than {self._max:,} bytes")
        self.hash.update(data)
        self._out.write(data)
        return len(data)


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Packing:
    """Packs what goes to a file."""

    def __init__(self, out: Out, packer: _Packer) -> None:
        self._out = out
        self._packer = packer

    def write(self, data: bytes, /) -> None:
        if packed := self._packer.compress(data):
            self._out.write(packed)

    def close(self) -> None:
        self._out.write(self._packer.flush())


def write_export(
    dump: Dump,
    out: Out,
    format: Format,
    compression: Compression,
    *,
    progress: Progress = lambda _count, _bytes: None,
    max_bytes: int | None = None,
) -> Written:
    """Write all that a dump has to `out`. No more than a few chunks are in memory, however long the
    log is. Raises TooLong, and what `out` raises."""
    counting = _Counting(out, max_bytes)
    packing = _Packing(counting, _packer(compression)) if compression != "none" else None
    file = writing(format, packing or counting)
    count = 0
    for rows in dump.chunks():
        file.write(rows)
        count += len(rows)
        progress(count, counting.bytes)
    file.close()
    if packing:
        packing.close()
    progress(count, counting.bytes)
    return Written(count, counting.bytes, counting.hash.hexdigest())


def _packer(compression: Compression) -> _Packer:
    if compression == "gzip":
        return zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP)
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compressobj()
