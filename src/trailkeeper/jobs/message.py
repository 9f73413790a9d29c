"""The error of a job for people: Workato's are JSON with the message in it."""

from __future__ import annotations

import msgspec
from msgspec import Struct


class _Told(Struct):
    message: str


_decode = msgspec.json.Decoder(_Told).decode


def message_of(error: str) -> str:
    """The message in an error that is such JSON, else the error itself."""
    try:
        return _decode(error).message
    except (ValueError, RecursionError):
        return error
