"""How a parcel becomes objects of a store: one for a batch or one for each message, packed or not.

The same parcel gives the same names and the same bytes at each try, with one version of the
libraries that pack; a later version may pack the same content in other bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import PurePosixPath
from urllib.parse import quote

import zstandard
from msgspec import Struct

from trailkeeper.activity import from_us
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.streaming.destination import Compression, Message, Packing, Parcel
from trailkeeper.streaming.messages import as_line, is_json

GZIP_LEVEL = 6
ZSTD_LEVEL = 3

_GZIP = 31
"""To zlib: the window of 32 KiB, with gzip's header (RFC 1952) and no time in it."""

ENDINGS: dict[Compression, str] = {"none": "", "gzip": ".gz", "zstd": ".zst"}
TYPES: dict[Compression, str] = {"none": "", "gzip": "application/gzip", "zstd": "application/zstd"}
"""Compressed objects say what they are (RFC 6713, RFC 8878), not that a transport packed them:
otherwise some clients unpack what is named `.gz`."""


UNPACKED_MAX = 256 * 1024 * 1024


class Packed(Struct, frozen=True):
    """An object as it is to be stored, and the seqs of what is in it."""

    path: str
    body: bytes
    content_type: str
    seqs: list[int]


def check_packing(packing: Packing) -> None:
    """Raises InvalidInput where this installation cannot pack so."""
    if packing == "parquet" and find_spec("pyarrow") is None:
        detail = "needs pyarrow on the server: pip install 'trailkeeper[parquet]'"
        raise InvalidInput(f"The packing parquet {detail}", FieldError(detail, "/packing"))


def pack(parcel: Parcel, packing: Packing, compression: Compression) -> Iterator[Packed]:
    """The objects of a parcel, in its order.

    `batch`: `<log>/<YYYY>/<MM>/<DD>/<stem>.jsonl`, by the time of the first message, with a line
    for each; `parquet`: the same with `.parquet`, and the compression inside; `each`: every message
    at its own path."""
    messages = parcel.messages
    if packing == "each":
        for one in messages:
            path = safe_path(one.path) + ENDINGS[compression]
            content_type = TYPES[compression] or parcel.content_type
            yield Packed(path, packed(one.body, compression), content_type, [one.seq])
        return
    seqs = [one.seq for one in messages]
    if packing == "parquet":
        from trailkeeper.streaming.parquet import table_of  # noqa: PLC0415 # an extra

        body = table_of(messages, compression)
        path = _dated(parcel, ".parquet")
        yield Packed(path, body, "application/vnd.apache.parquet", seqs)
        return
    json = is_json(parcel)
    ending = ".jsonl" if json else PurePosixPath(messages[0].path).suffix or ".txt"
    content_type = "application/x-ndjson" if json else parcel.content_type
    yield Packed(
        _dated(parcel, ending + ENDINGS[compression]),
        packed(_lines(messages, json=json), compression),
        TYPES[compression] or content_type,
        seqs,
    )


def packed(body: bytes, compression: Compression) -> bytes:
    """Always the same for the same body."""
    if compression == "gzip":
        return zlib.compress(body, GZIP_LEVEL, wbits=_GZIP)
    if compression == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body)
    return body


def unpacked(body: bytes, compression: Compression, most: int = UNPACKED_MAX) -> bytes | None:
    """What is in it, at most `most` bytes; None where it cannot be unpacked."""
    try:
        if compression == "gzip":
            return zlib.decompressobj(_GZIP).decompress(body, most)
        if compression == "zstd":
            with zstandard.ZstdDecompressor().stream_reader(body) as reader:
                return reader.read(most)
    except (zlib.error, zstandard.ZstdError):
        return None
    return body[:most]


def safe_path(path: str) -> str:
    """A path that a store takes as it stands: no empty steps, `.` or `..`, nothing unprintable."""
    steps = [step for step in path.split("/") if step]
    return "/".join(
        step.replace(".", "%2E")
        if step in (".", "..")
        else "".join(c if c.isprintable() else quote(c, errors="replace") for c in step)
        for step in steps
    )


def _lines(messages: list[Message], *, json: bool) -> bytes:
    return b"".join(as_line(one.body, json=json) + b"\n" for one in messages)


def _dated(parcel: Parcel, ending: str) -> str:
    at = from_us(parcel.messages[0].at)
    return f"{parcel.log}/{at.year:04d}/{at.month:02d}/{at.day:02d}/{parcel.stem}{ending}"
