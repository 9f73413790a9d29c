"""Text of others, written so that it stays text: on one line, and without effect on whoever reads
the line on a terminal or in an editor.

JSON escapes the control characters below U+0020 itself. What is left are DEL, the C1 controls
(U+009B starts a terminal's escape sequence as ESC [ does), the two separators that many programs
take for line ends, and the characters that change the direction of what follows
(https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings).
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Any

import msgspec

_HIDDEN = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_NOT_IN_JSON = re.compile(f"[{_HIDDEN}]")
_NOT_IN_TEXT = re.compile(f"[\x00-\x1f{_HIDDEN}]")
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+")

_encode = msgspec.json.Encoder().encode


def json_line(value: Any) -> bytes:
    """JSON without a line break, in which what cannot be seen is escaped. The same value gives the
    same bytes."""
    return visible_json(_encode(value))


def visible_json(body: bytes) -> bytes:
    """JSON in which what cannot be seen is escaped."""
    if body.isascii() and b"\x7f" not in body:
        return body
    text = body.decode()
    return without_hidden(text).encode() if _NOT_IN_JSON.search(text) else body


def without_hidden(json: str) -> str:
    """JSON, or a part of a string in it, with what cannot be seen escaped."""
    # Inside strings only: JSON has none of these characters elsewhere.
    return _NOT_IN_JSON.sub(_escape, json)


def json_text(value: Any) -> str:
    """The same as a text, for a field of a format that has no place for objects."""
    return json_line(value).decode()


def visible(text: str) -> str:
    """A text for one line: what cannot be seen is written as `\\u001b`."""
    return _NOT_IN_TEXT.sub(_escape, text)


@lru_cache(maxsize=8_192)
def ip_version(text: str) -> int | None:
    """4 or 6 for an address, None for anything else, such as a masked one. Zones are no part of
    an address here: few receivers take them."""
    try:
        return ipaddress.ip_address(text).version if "%" not in text else None
    except ValueError:
        return None


@lru_cache(maxsize=8_192)
def is_email(text: str) -> bool:
    """Whether it looks like one to receivers that check: ASCII, with a domain."""
    return _EMAIL.fullmatch(text) is not None


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
