"""Reading a request's body: bounded before and after unpacking."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import zstandard

from trailkeeper.errors import MalformedBody, TooLarge, UnsupportedMediaType

BODY_MAX = 32 * 1024 * 1024
UNPACKED_MAX = 64 * 1024 * 1024
MEMBERS_MAX = 10_000
"""Members of a gzip body, or frames of a zstd one."""

JSON = b"application/json"
NDJSON = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")

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


def kind_of(headers: dict[bytes, bytes]) -> bytes:
    """JSON or the first of NDJSON, by the content type. Raises UnsupportedMediaType."""
    sent = headers.get(b"content-type", b"")
    if sent == JSON:
        return sent
    kind, _, parameters = sent.partition(b";")
    kind = kind.strip().lower()
    charset = parameters.lower().replace(b" ", b"").replace(b'"', b"")
    if kind not in (JSON, *NDJSON):
        shown = kind[:60].decode("latin-1") or "none"
        raise UnsupportedMediaType(
            f"The content type is {shown}; send application/json or application/x-ndjson"
        )
    if charset.startswith(b"charset=") and charset not in (b"charset=utf-8", b"charset=utf8"):
        raise UnsupportedMediaType("The charset must be UTF-8")
    return JSON if kind == JSON else NDJSON[0]


def unpack(body: bytes, encoding: bytes, limit: int = UNPACKED_MAX) -> bytes:
    """The body without its content encoding (gzip, zstd or none), at most `limit` bytes.

    Memory stays near the limit whatever the body holds. Raises UnsupportedMediaType,
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
    try:
        return _unpacked(body, lambda: zlib.decompressobj(wbits=31), 8 * 1024, limit, "gzip")
    except zlib.error as error:
        raise MalformedBody(f"The body is not valid gzip: {error}") from None


def _unzstd(body: bytes, limit: int) -> bytes:
    frames = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    try:
        # 512 bytes of zstd hold at most 16 MiB.
        return _unpacked(body, frames.decompressobj, 512, limit, "zstd")
    except zstandard.ZstdError as error:
        raise MalformedBody(f"The body is not valid zstd: {error}") from None


def _unpacked(body: bytes, make: Callable[[], Any], step: int, limit: int, name: str) -> bytes:
    """The content of all members; what `make` makes decompresses one.

    It is fed `step` bytes at a time: they bound what comes out at once, and a decompressor copies
    all that follows its member.
    """
    unpacked = bytearray()
    position = members = 0
    while position < len(body):
        members += 1
        if members > MEMBERS_MAX:
            raise MalformedBody(f"The {name} body has more than {MEMBERS_MAX} members")
        stream = make()
        while not stream.eof:
            part = body[position : position + step]
            if not part:
                raise MalformedBody(f"The {name} body is cut off; nothing was recorded")
            unpacked += stream.decompress(part)
            if len(unpacked) > limit:
                raise _too_large(limit)
            position += len(part) - len(stream.unused_data)
    return bytes(unpacked)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit // (1024 * 1024)} MiB; send smaller batches")
