"""Signed cursors: where a listing stopped, for this workspace, filter and order only."""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec
from msgspec import Struct

CURSOR_MAX = 200


class CursorError(ValueError):
    """A cursor that was not made here, or was made for another listing."""


class _Cursor(Struct, array_like=True, omit_defaults=True):
    position: int
    listing: bytes
    second: int | None = None


_decode = msgspec.msgpack.Decoder(_Cursor).decode


def make_cursor(
    key: bytes,
    workspace: int,
    asked: Struct,
    order: str,
    position: int,
    second: int | None = None,
) -> str:
    """An opaque, URL-safe text. Nobody without the key can make or change one. `second` orders
    those of the same position."""
    body = msgspec.msgpack.encode(_Cursor(position, _listing(workspace, asked, order), second))
    return sign_cursor(key, "cursor", body)


def read_cursor(key: bytes, workspace: int, asked: Struct, order: str, cursor: str) -> int:
    """The position in a cursor made for just this listing. Raises CursorError."""
    return read_place(key, workspace, asked, order, cursor)[0]


def read_place(
    key: bytes, workspace: int, asked: Struct, order: str, cursor: str
) -> tuple[int, int | None]:
    """The position and the second one. Raises CursorError."""
    parsed = _decode(open_cursor(key, "cursor", cursor))
    if parsed.listing != _listing(workspace, asked, order):
        raise CursorError("was given for another filter or order; start again without it")
    return parsed.position, parsed.second


def sign_cursor(key: bytes, kind: str, body: bytes) -> str:
    """A cursor of any kind of listing, as text; `body` says what the listing needs to go on."""
    return _text(_mac(key, kind, body) + body)


def open_cursor(key: bytes, kind: str, cursor: str) -> bytes:
    """The body of a cursor that was signed for this kind. Raises CursorError."""
    wrong = CursorError("is not a cursor that this listing gave; start again without it")
    if len(cursor) > CURSOR_MAX or not cursor.isascii():
        raise wrong
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise wrong from None
    mac, body = raw[:16], raw[16:]
    if _text(raw) != cursor:  # base64 overlooks stray characters and spare bits
        raise wrong
    if not hmac.compare_digest(mac, _mac(key, kind, body)):
        raise wrong
    return body


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _mac(key: bytes, kind: str, body: bytes) -> bytes:
    return hmac.digest(key, kind.encode() + b":" + body, "sha256")[:16]


def _listing(workspace: int, asked: Struct, order: str) -> bytes:
    content = msgspec.msgpack.encode((workspace, order, asked))
    return hashlib.blake2b(content, digest_size=8).digest()
