"""Cutting what is too long: the longest values of details and changes, marked with their size."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import replace

from trailkeeper.errors import FieldError, InvalidActivity

if TYPE_CHECKING:
    from trailkeeper.ledger.prepare import Personal

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
        if part == "details":
            mark = _mark(details[str(where)], size, encode)
            details[str(where)] = mark
        else:
            change = changes[int(where)]
            mark = _mark(getattr(change, part), size, encode)
            changes[int(where)] = (
                replace(change, old=mark) if part == "old" else replace(change, new=mark)
            )
        over -= size - len(encode(mark))
    if over > 0 and (details or changes):
        whole = {"original_bytes": len(encode(personal.details)), "keys": len(details)}
        details = {CUT: whole} if details else {}
        if over - whole["original_bytes"] > 0 and len(changes) > 1:
            cut = {"original_bytes": len(encode(personal.changes)), "changes": len(changes)}
            changes = [replace(changes[0], field=CUT, old=UNSET, new=cut)]
    result = replace(personal, details=details or None, changes=changes or None)
    body = encode(result)
    if len(body) > room:
        raise InvalidActivity(
            "The activity is longer than 64 KiB even with its details and changes cut",
            FieldError("is longer than 64 KiB even with its details and changes cut"),
        )
    return result, body


def _mark(value: Any, size: int, encode: Callable[[Any], bytes]) -> dict[str, Any]:
    text = value if isinstance(value, str) else encode(value).decode()
    return {CUT: {"original_bytes": size, "start": text[:START_CHARACTERS]}}
