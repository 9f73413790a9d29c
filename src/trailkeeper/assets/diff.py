"""What changed between two JSON values, as an audit log tells it, and the way back.

A change names a place by a JSON pointer (RFC 6901). With only `new` something was added there, in
a list inserted before what stood there; with only `old` it was removed; with both it was replaced.
The changes are to be applied in order, as those of a JSON patch.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from copy import deepcopy
from typing import Any, cast

import msgspec
from msgspec import UNSET

from trailkeeper.activity import Change

CHANGES_MAX = 500
"""Of more changes than this, the fields that have the most are told as replaced whole."""

POINTER_MAX = 255

_IDENTITIES = ("uuid", "id", "as", "name")
"""Keys by which an item of a list is known to be the same one, changed."""

_encode = msgspec.json.Encoder(order="deterministic").encode

Object = dict[str, Any]
Pair = tuple[Any, Any]


class DiffError(ValueError):
    """Changes that do not fit the value they are applied to."""


def diff(old: Object, new: Object) -> list[Change]:
    """The changes that make `new` of `old`: none exactly if they are the same JSON, in which 1,
    1.0 and true differ. The order of an object's keys is of no matter."""
    fields = {key: list(_of_key(old, new, key, "")) for key in _keys(old, new)}
    while sum(map(len, fields.values())) > CHANGES_MAX:
        longest = max(fields, key=lambda key: len(fields[key]))
        if len(fields[longest]) == 1:
            break
        fields[longest] = [_change(_below("", longest), old[longest], new[longest])]
    return [change for changes in fields.values() for change in changes]


def apply(value: Any, changes: Iterable[Change]) -> Any:
    """The value after the changes; the given one stays as it is. Raises DiffError."""
    root = [deepcopy(value)]
    for change in changes:
        _apply(root, change)
    return root[0]


# --- Finding


def _values(old: Any, new: Any, at: str) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("Object", old), cast("Object", new)
        parts = [one for key in _keys(before, after) for one in _of_key(before, after, key, at)]
    elif isinstance(old, list) and isinstance(new, list):
        parts = list(_of_list(cast("list[Any]", old), cast("list[Any]", new), at))
    else:
        parts = [] if _encode(old) == _encode(new) else [_change(at, old, new)]
    if any(len(part.field) > POINTER_MAX for part in parts):
        parts = [_change(at, old, new)]
    yield from parts


def _of_key(old: Object, new: Object, key: str, at: str) -> Iterator[Change]:
    place = _below(at, key)
    if key in old and key in new:
        yield from _values(old[key], new[key], place)
    else:
        yield _change(place, old.get(key, UNSET), new.get(key, UNSET))


def _of_list(old: list[Any], new: list[Any], at: str) -> Iterator[Change]:
    position = 0
    for before, after in _pairs(old, new):
        place = f"{at}/{position}"
        if before is UNSET or after is UNSET:
            yield _change(place, before, after)
        else:
            yield from _values(before, after, place)
        position += after is not UNSET


def _pairs(old: list[Any], new: list[Any]) -> Iterator[Pair]:
    """What was and what is, in order; UNSET where one has no partner. Items that are the same are
    found first, between them those that are the same one changed; what is left is paired as it
    stands."""
    for stretch_old, stretch_new, same in _around_matches(old, new, _encode):
        for left_old, left_new, alike in _around_matches(stretch_old, stretch_new, _identity):
            both = min(len(left_old), len(left_new))
            yield from zip(left_old[:both], left_new[:both], strict=True)
            yield from ((one, UNSET) for one in left_old[both:])
            yield from ((UNSET, one) for one in left_new[both:])
            yield from alike
        yield from same


def _around_matches(
    old: list[Any], new: list[Any], key: Callable[[Any], Hashable]
) -> Iterator[tuple[list[Any], list[Any], list[Pair]]]:
    """The stretches between the items that have the same key: each stretch, then the pair that
    ends it; the last stretch has none."""
    start_old = start_new = 0
    for at_old, at_new in _matches([key(one) for one in old], [key(one) for one in new]):
        yield old[start_old:at_old], new[start_new:at_new], [(old[at_old], new[at_new])]
        start_old, start_new = at_old + 1, at_new + 1
    yield old[start_old:], new[start_new:], []


def _matches(old: list[Hashable], new: list[Hashable]) -> Iterator[tuple[int, int]]:
    """Which places belong together: those of a common start and end, and between them the keys
    that are unique on both sides and in the same order (a patience diff). That is quick however
    long the lists are, and how many of their items are the same."""
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    count_old, count_new = Counter(middle_old), Counter(middle_new)
    places = {key: at for at, key in enumerate(middle_new) if count_new[key] == 1}
    unique = [
        (at, places[key])
        for at, key in enumerate(middle_old)
        if key is not None and count_old[key] == 1 and key in places
    ]
    yield from ((at, at) for at in range(start))
    yield from ((start + a, start + b) for a, b in _rising(unique))
    yield from ((len(old) - at, len(new) - at) for at in range(end, 0, -1))


def _common(old: Sequence[Hashable], new: Sequence[Hashable]) -> int:
    """How many keys at the start are the same."""
    for at, (a, b) in enumerate(zip(old, new, strict=False)):
        if a is None or a != b:
            return at
    return min(len(old), len(new))


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest selection of the pairs in which both sides rise; the first sides do already."""
    lowest: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for at, (_, place) in enumerate(pairs):
        rank = bisect_left(lowest, place)
        before.append(ends[rank - 1] if rank else -1)
        lowest[rank : rank + 1] = [place]
        ends[rank : rank + 1] = [at]
    selected: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        selected.append(pairs[at])
        at = before[at]
    return selected[::-1]


def _identity(item: Any) -> Hashable:
    """By what an item is known, whatever else of it changes; None for one without that."""
    if isinstance(item, dict):
        known = cast("Object", item)
        for name in _IDENTITIES:
            value = known.get(name)
            if isinstance(value, str | int):
                return name, _encode(value)
    return None


def _change(at: str, old: Any, new: Any) -> Change:
    return Change(field=at, old=old, new=new)


def _keys(old: Object, new: Object) -> list[str]:
    return [*old, *(key for key in new if key not in old)]


def _below(at: str, key: str) -> str:
    return f"{at}/{key.replace('~', '~0').replace('/', '~1')}"


# --- Applying


def _apply(root: list[Any], change: Change) -> None:
    here: Any = root
    last: Any = 0
    for step in change.field.split("/")[1:]:
        here = _inside(here, last, change)
        last = _key_of(here, step.replace("~1", "/").replace("~0", "~"), change)
    if change.old is UNSET and isinstance(here, list):
        cast("list[Any]", here).insert(last, deepcopy(change.new))
        return
    if change.old is not UNSET:
        _inside(here, last, change)
    if change.new is UNSET:
        del here[last]
    else:
        here[last] = deepcopy(change.new)


def _key_of(here: Any, step: str, change: Change) -> Any:
    """A step of a pointer as the key of what is here: of a list a place in it, or at its end."""
    if isinstance(here, dict):
        return step
    if isinstance(here, list) and step.isascii() and step.isdecimal():
        at, length = int(step), len(cast("list[Any]", here))
        if at < length or (at == length and change.old is UNSET):
            return at
    raise DiffError(f"there is no {change.field}")


def _inside(here: Any, key: Any, change: Change) -> Any:
    try:
        return here[key]
    except (KeyError, IndexError):
        raise DiffError(f"there is no {change.field}") from None
