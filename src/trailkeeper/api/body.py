"""Reading a request's body: bounded before and after unpacking."""

from __future__ import annotations

import zlib
from typing import Any

import zstandard

from trailkeeper.errors import MalformedBody, TooLarge, UnsupportedMediaType

BODY_MAX = 32 * 1024 * 1024
UNPACKED_MAX = 64 * 1024 * 1024

Receive = Any


class ClientGone(Exception):
    """The client closed the connection before its body was complete."""


async def read_body(receive: Receive, headers: dict[bytes, bytes], limit: int = BODY_MAX) -> bytes:
    """The body as it was sent, at most `limit` bytes. Raises TooLarge, ClientGone."""
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > limit:
            raise _too_large(limit)
        return body
    parts = [body]
    size = len(body)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
    return b"".join(parts)


def unpack(body: bytes, encoding: bytes, limit: int = UNPACKED_MAX) -> bytes:
    """The body without its content encoding (gzip, zstd or none), at most `limit` bytes.

    Memory stays below the limit whatever the body holds. Raises UnsupportedMediaType,
    MalformedBody, TooLarge.
    """
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        unpacked = body
    elif name in (b"gzip", b"x-gzip"):
        unpacked = _gunzip(body, limit)
    elif name == b"zstd":
        unpacked = _unzstd(body, limit)
    else:
        shown = name[:40].decode("latin-1")
        raise UnsupportedMediaType(
            f"The content encoding `{shown}` is not supported; use gzip, zstd or none"
        )
    if len(unpacked) > limit:
        raise _too_large(limit)
    return unpacked


def _gunzip(body: bytes, limit: int) -> bytes:
    unpacked = bytearray()
    rest = body
    try:
        while rest:
            stream = zlib.decompressobj(wbits=31)
            unpacked += stream.decompress(rest, limit + 1 - len(unpacked))
            if len(unpacked) > limit:
                raise _too_large(limit)
            if not stream.eof:
                raise MalformedBody("The gzip body is cut off; nothing was recorded")
            rest = stream.unused_data
    except zlib.error as error:
        raise MalformedBody(f"The body is not valid gzip: {error}") from None
    return bytes(unpacked)


def _unzstd(body: bytes, limit: int) -> bytes:
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            body, read_across_frames=True
        ) as reader:
            return reader.read(limit + 1)
    except zstandard.ZstdError as error:
        raise MalformedBody(f"The body is not valid zstd: {error}") from None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit // (1024 * 1024)} MiB; send smaller batches")
