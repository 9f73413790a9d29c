"""Reading one line of JSON strictly, and checking what was made of it."""

from __future__ import annotations

import json
from typing import Any, cast

import msgspec

from trailkeeper.activity import ActivityInput, encode_input

LINE_MAX_BYTES = 1024 * 1024

DEPTH_MAX = 40
"""Deepest nesting of a line; an activity's details may be nested a little less than that."""

_decode = msgspec.json.Decoder().decode
_decode_input = msgspec.json.Decoder(ActivityInput).decode


class LineError(ValueError):
    """The line holds no sound JSON object; the message says why."""


def trimmed(line: bytes) -> bytes:
    """The line without the white space around it and without a byte order mark."""
    return line.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")


def json_object(line: bytes) -> dict[str, Any]:
    """The JSON object of a trimmed line.

    Raises `LineError` for a line over LINE_MAX_BYTES or nested over DEPTH_MAX, for bad UTF-8 or
    JSON, NaN and the infinities, a key that stands twice, and for anything but an object.
    """
    if len(line) > LINE_MAX_BYTES:
        raise LineError(
            f"the line is {len(line):,} bytes long; at most {LINE_MAX_BYTES:,} are read"
        )
    try:
        value: object = _decode(line)
        # msgspec keeps the last of equal keys in silence: this second reading is only for them.
        json.loads(line, object_pairs_hook=_refuse_equal_keys)
    except LineError:
        raise
    except RecursionError:
        raise LineError(_too_deep()) from None
    except UnicodeDecodeError as error:
        raise LineError(f"not UTF-8: {error.reason}") from None
    except ValueError as error:
        raise LineError(_syntax(line, str(error))) from None
    if _deeper_than(value, DEPTH_MAX):
        raise LineError(_too_deep())
    if not isinstance(value, dict):
        raise LineError("not a JSON object")
    return cast("dict[str, Any]", value)


def what_is_wrong(activity: ActivityInput) -> str | None:
    """Why this would be no valid activity; None if it is one."""
    try:
        _decode_input(encode_input(activity))
    except (ValueError, OverflowError, RecursionError) as error:
        return str(error)
    return None


def _syntax(line: bytes, message: str) -> str:
    if "truncated" not in message:
        return f"not JSON: {message.removeprefix('JSON is malformed: ')}"
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return "cut off: the line ends in the middle of its JSON, as a crash leaves it"
    return "not JSON: half of a surrogate pair"


def _too_deep() -> str:
    return f"nested deeper than {DEPTH_MAX} levels"


def _refuse_equal_keys(pairs: list[tuple[str, object]]) -> None:
    keys: set[str] = set()
    for key, _ in pairs:
        if key in keys:
            raise LineError(f"the key {key[:100]!r} stands twice in one object")
        keys.add(key)


def _deeper_than(value: object, limit: int) -> bool:
    level = _inside(value)
    for _ in range(limit):
        if not level:
            return False
        level = [inner for one in level for inner in _inside(one)]
    return bool(level)


def _inside(value: object) -> list[object]:
    """The objects and arrays that stand directly in an object or array."""
    inner: list[object] = []
    if isinstance(value, dict):
        inner = list(cast("dict[str, object]", value).values())
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    return [one for one in inner if isinstance(one, dict | list)]
