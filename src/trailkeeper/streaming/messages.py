"""A message's body inside what a destination wants around it.

Bodies are what a format or a template made of activities, and may hold any text that anybody has
entered: here it is kept from breaking a line, a frame or a terminal.
"""

from __future__ import annotations

import hashlib

import msgspec

from trailkeeper.streaming.destination import Message, Parcel
from trailkeeper.streaming.plain import visible

_json = msgspec.json.Encoder()

_BETWEEN_VALUES = str.maketrans("\t\n\r", "   ")


def is_json(parcel: Parcel) -> bool:
    """Whether the bodies of a parcel are JSON."""
    kind = parcel.content_type.partition(";")[0].strip()
    return kind == "application/json" or kind.endswith("+json")


def as_line(body: bytes, *, json: bool) -> bytes:
    """The body without a line break in it. In JSON they stand between values only, and become
    spaces; in other texts they become `\\n` and `\\r`."""
    if b"\n" not in body and b"\r" not in body:
        return body
    if json:
        return body.replace(b"\n", b" ").replace(b"\r", b" ")
    return body.replace(b"\r", b"\\r").replace(b"\n", b"\\n")


def as_json(body: bytes, *, json: bool) -> bytes:
    """The body as a JSON value on one line: itself, or a text of it."""
    return as_line(body, json=True) if json else _json.encode(body.decode(errors="replace"))


def as_visible(body: bytes, *, json: bool) -> str:
    """The body as a text on one line, without effect on a terminal. JSON keeps its meaning."""
    text = text_of(body)
    return visible(text.translate(_BETWEEN_VALUES) if json else text)


def text_of(body: bytes) -> str:
    return body.decode(errors="replace")


def json_string(text: str) -> bytes:
    """A text as JSON."""
    return _json.encode(text)


def lasting_id(workspace: str, parcel: Parcel, message: Message) -> str:
    """Names a message the same at each try and in each stream of its workspace, so that a receiver
    that keeps ids apart has it once. ASCII without blanks, at most 60 characters."""
    whole = f"{workspace}\n{parcel.log}\n{message.seq}\n{message.id}"
    return f"{message.seq}-{hashlib.sha256(whole.encode()).hexdigest()[:32]}"
