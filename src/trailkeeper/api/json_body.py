"""Bodies of requests as structs."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from trailkeeper.errors import FieldError, InvalidInput, MalformedBody

T = TypeVar("T")

BODY_MAX = 64 * 1024


def read(body: bytes, kind: type[T]) -> T:
    """The body as this struct. Raises MalformedBody for what is no JSON or too long, InvalidInput
    for what does not fit."""
    if len(body) > BODY_MAX:
        raise MalformedBody(f"The body is longer than {BODY_MAX} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        text = str(error)
        detail, _, at = text.partition(" - at `$")
        pointer = at.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "")
        raise InvalidInput(text, FieldError(detail, pointer)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"The body is not valid JSON: {error}") from None
