"""Fields that a stream leaves out or makes unreadable, before its format sees them."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, cast

import msgspec

from trailkeeper.activity import Activity
from trailkeeper.streaming.stream import Mask

NEEDED = ("/id", "/seq", "/action", "/occurred_at", "/received_at", "/outcome", "/environment")
"""Without these an activity is none; they are never masked."""


def masked(activity: Activity, masks: dict[str, Mask], salt: bytes) -> Activity:
    """The activity with its masks applied. A pointer names a field (`/actor/email`); `*` stands for
    each item of an array (`/targets/*/name`). A hash is HMAC-SHA256 with the stream's salt: the
    same value stays recognisable within a stream, and nowhere else."""
    if not masks:
        return activity
    value: dict[str, Any] = msgspec.to_builtins(activity)
    for pointer, mask in masks.items():
        if mask != "keep" and pointer not in NEEDED:
            _apply(value, pointer.strip("/").split("/"), mask, salt)
    return msgspec.convert(value, Activity)


def _apply(value: Any, path: list[str], mask: Mask, salt: bytes) -> None:
    step, rest = path[0].replace("~1", "/").replace("~0", "~"), path[1:]
    if isinstance(value, list):
        items = cast("list[Any]", value)
        chosen = range(len(items)) if step == "*" else [int(step)] if step.isdigit() else []
        for number in chosen:
            if rest and number < len(items):
                _apply(items[number], rest, mask, salt)
    elif isinstance(value, dict) and step in (there := cast("dict[str, Any]", value)):
        if rest:
            _apply(there[step], rest, mask, salt)
        elif mask == "drop" and step not in ("type", "id"):
            del there[step]
        elif there[step] is not None:
            there[step] = hashed(there[step], salt)


def hashed(value: Any, salt: bytes) -> str:
    """What stands instead of a value."""
    text = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    return "hash:" + hmac.new(salt, text, hashlib.sha256).hexdigest()[:32]
