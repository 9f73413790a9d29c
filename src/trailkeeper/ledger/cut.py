"""Cutting what is too long: the longest values of details and changes, marked with their size."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import replace

from trailkeeper.activity import Change
from trailkeeper.errors import FieldError, InvalidActivity

if TYPE_CHECKING:
    from trailkeeper.ledger.personal import Personal

CUT = "$cut"
"""The key that marks a cut value: `{"$cut": {"original_bytes": 70000, "start": "the first …"}}`."""

START_CHARACTERS = 256


def cut_to_fit(
    personal: Personal, room: int, encode: Callable[[Any], bytes]
) -> tuple[Personal, bytes]:
    """The personal part in at most `room` bytes, and its encoding.

    The longest of the values in details and changes are cut first, one after the other. Raises
    InvalidActivity when what must not be cut is too long by itself.
    """
    details = dict(personal.details or {})
    changes = list(personal.changes or [])
    sizes: list[tuple[int, str, str | int]] = [
        (len(encode(value)), "details", key) for key, value in details.items()
    ]
    for number, change in enumerate(changes):
        sizes += [
            (len(encode(value)), side, number)
            for side, value in (("old", change.old), ("new", change.new))
            if value is not UNSET
        ]
    over = len(encode(personal)) - room
    for size, part, where in sorted(sizes, key=lambda entry: -entry[0]):
        if over <= 0 or size < 2 * START_CHARACTERS:
            break
        value = details[str(where)] if part == "details" else getattr(changes[int(where)], part)
        mark = _mark(value, size, encode)
        gain = size - len(encode(mark))
        if gain <= 0:  # its start, written with escapes, is no shorter
            continue
        if part == "details":
            details[str(where)] = mark
        elif part == "old":
            changes[int(where)] = replace(changes[int(where)], old=mark)
        else:
            changes[int(where)] = replace(changes[int(where)], new=mark)
        over -= gain
    result = replace(personal, details=details or None, changes=changes or None)
    body = encode(result)
    if len(body) > room:
        result, body = _cut_whole(result, personal, room, encode)
    if len(body) > room:
        raise InvalidActivity(
            "The activity is longer than 64 KiB even with its details and changes cut",
            FieldError("is longer than 64 KiB even with its details and changes cut"),
        )
    return result, body


def _cut_whole(
    cut: Personal, personal: Personal, room: int, encode: Callable[[Any], bytes]
) -> tuple[Personal, bytes]:
    """Leave out all the details or all the changes, the larger first and both where needed."""

    def without_details(one: Personal) -> Personal:
        sizes = {
            "original_bytes": len(encode(personal.details)),
            "keys": len(personal.details or ()),
        }
        return replace(one, details={CUT: sizes}) if one.details else one

    def without_changes(one: Personal) -> Personal:
        sizes = {
            "original_bytes": len(encode(personal.changes)),
            "changes": len(personal.changes or ()),
        }
        return replace(one, changes=[Change(field=CUT, new=sizes)]) if one.changes else one

    steps = [without_details, without_changes]
    if len(encode(cut.changes)) > len(encode(cut.details)):
        steps.reverse()
    body = encode(cut)
    for step in steps:
        less = step(cut)
        smaller = encode(less)
        if len(body) > room and len(smaller) < len(body):
            cut, body = less, smaller
    return cut, body


def _mark(value: Any, size: int, encode: Callable[[Any], bytes]) -> dict[str, Any]:
    text = value if isinstance(value, str) else encode(value).decode()
    return {CUT: {"original_bytes": size, "start": text[:START_CHARACTERS]}}
