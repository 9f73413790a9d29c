"""From what somebody sends to an asset's name and content, checked.

What a kind's own check says is remembered by the content's hash: content is checked before the
writer's turn, where others would wait for it, and within it only if it has become another.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from trailkeeper.assets.content import CONTENT_MAX_BYTES, Content
from trailkeeper.assets.kinds import Kind
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.json_input import to_pointer

NAME_MAX = 200

DEPTH_MAX = 28
"""Deepest nesting of content: what is recorded of it must fit into an activity's details."""

_PATH = re.compile(r" - at `(\$[^`]*)`$")


def checked_name(name: str) -> str:
    """The name without blanks around it. Raises InvalidInput for one that is empty, too long, or
    has characters that cannot be seen."""
    name = name.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        detail = f"must have 1 to {NAME_MAX} printable characters"
        raise InvalidInput(f"The name {detail}", FieldError(detail, "/name"))
    return name


def checked_content(kind: Kind, values: dict[str, Any], checked: Container[bytes] = ()) -> Content:
    """The content that these values are. Raises InvalidInput with a pointer to each that is
    wrong. The kind's own check is left out for content whose hash is among the `checked`."""
    raw = _encoded(values)
    try:
        content = msgspec.json.decode(raw, type=kind.content)
    except msgspec.ValidationError as error:
        raise _invalid([_field_error(str(error))]) from None
    if kind.check and _hash(raw) not in checked and (errors := list(kind.check(content))):
        raise _invalid(errors)
    return content


def hash_of_checked(kind: Kind, values: dict[str, Any]) -> bytes:
    """Check content; returns its hash. Raises InvalidInput."""
    checked_content(kind, values)
    return _hash(_encoded(values))


def _encoded(values: dict[str, Any]) -> bytes:
    for name, value in values.items():
        if _depth(value) > DEPTH_MAX:
            raise _invalid([FieldError(f"is nested deeper than {DEPTH_MAX} levels", f"/{name}")])
    try:
        raw = msgspec.json.encode(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise _invalid([FieldError(f"is not JSON: {error}")]) from None
    if len(raw) > CONTENT_MAX_BYTES:
        raise _invalid([FieldError(f"is longer than {CONTENT_MAX_BYTES:,} bytes of JSON")])
    return raw


def _hash(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()


def split_secrets(kind: Kind, content: Content) -> tuple[Content, dict[str, Any]]:
    """The content without its secrets, and those of them that are set."""
    default = type(content)()
    names = kind.secrets_in(content)
    empty = {name: getattr(default, name) for name in names}
    secrets = {name: getattr(content, name) for name in names}
    return replace(content, **empty), {
        name: value for name, value in secrets.items() if value != empty[name]
    }


def _invalid(errors: list[FieldError]) -> InvalidInput:
    first = errors[0]
    return InvalidInput(f"{first.pointer or 'The content'} {first.detail}", *errors)


def _field_error(message: str) -> FieldError:
    pointer = ""
    if path := _PATH.search(message):
        message, pointer = message[: path.start()], to_pointer(path[1])
    if unknown := re.match(r"^Object contains unknown field `(.*)`$", message, re.DOTALL):
        return FieldError("is not a known field", f"{pointer}/{unknown[1]}")
    if missing := re.match(r"^Object missing required field `(.*)`$", message):
        return FieldError("is missing", f"{pointer}/{missing[1]}")
    return FieldError(message.replace("Expected", "must be", 1), pointer)


def _depth(value: Any) -> int:
    """How many containers are nested in a value, itself counted."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        here, depth = waiting.pop()
        if isinstance(here, dict):
            inner = list(cast("dict[str, Any]", here).values())
        elif isinstance(here, list):
            inner = cast("list[Any]", here)
        else:
            continue
        deepest = max(deepest, depth)
        waiting += [(one, depth + 1) for one in inner]
    return deepest
