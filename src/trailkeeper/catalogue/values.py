"""Values of an activity's details: looking them up, comparing them, showing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from trailkeeper.activity import Activity

SHOWN_MAX = 120
"""Longest value in a sentence, in characters; a longer one is cut and ends in an ellipsis."""

_ITEMS_MAX = 40


def value_of(activity: Activity, key: str) -> object:
    """What the details hold under this key, else the primary target's metadata; None if neither."""
    value = activity.details.get(key)
    if value is None and activity.targets:
        value = (activity.targets[0].metadata or {}).get(key)
    return value


def fits(when: Mapping[str, str | bool], values: Mapping[str, Any]) -> bool:
    """Whether the values hold all that `when` asks for. True and 1 are not the same."""
    return all(_same(values.get(key), expected) for key, expected in when.items())


def case_fits(when: Mapping[str, str | bool], activity: Activity) -> bool:
    """As `fits`, for what `value_of` finds."""
    return all(_same(value_of(activity, key), expected) for key, expected in when.items())


def shown(value: object) -> str:
    """A value in a few words: yes or no, lists joined by commas; empty for an empty value."""
    if isinstance(value, list | tuple):
        items = (_item(item) for item in cast("list[object]", value)[:_ITEMS_MAX])
        return ", ".join(item for item in items if item)
    if isinstance(value, Mapping):
        pairs = list(cast("Mapping[object, object]", value).items())[:_ITEMS_MAX]
        return ", ".join(f"{key}: {_item(item)}" for key, item in pairs)
    return _item(value)


def cut(text: str) -> str:
    """At most SHOWN_MAX characters."""
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"


def _item(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.15g}"
    return "…" if isinstance(value, list | tuple | Mapping) else str(value)


def _same(value: object, expected: str | bool) -> bool:
    return type(value) is type(expected) and value == expected
