"""Settings that object stores have in common, checked before anything is sent."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from trailkeeper.errors import FieldError, InvalidInput

PREFIX_MAX = 300

_STEP = re.compile(r"[A-Za-z0-9!_.*'()=+@,:$&-]+")


def checked_prefix(prefix: str) -> str:
    """Empty, or with one `/` at the end and none at the start. Raises InvalidInput."""
    steps = [step for step in prefix.split("/") if step]
    if len(prefix) > PREFIX_MAX or not all(map(_is_step, steps)):
        detail = f"may have letters, digits and !_.*'()=+@,:$&- between /, at most {PREFIX_MAX}"
        raise wrong("prefix", detail)
    return "".join(f"{step}/" for step in steps)


def checked_name(name: str, pattern: str, field: str, detail: str) -> str:
    """A name that becomes part of an address. Raises InvalidInput."""
    if not re.fullmatch(pattern, name):
        raise wrong(field, detail)
    return name


def checked_server(endpoint: str) -> str:
    """The address of a server without `/` at the end. Raises InvalidInput."""
    parts = urlsplit(endpoint)
    if parts.query or not (parts.hostname or "").isascii():
        raise wrong("endpoint", "must be https://host, without ? and in ASCII")
    return endpoint.rstrip("/")


def wrong(field: str, detail: str) -> InvalidInput:
    """With a pointer to that setting."""
    return InvalidInput(f"{field} {detail}", FieldError(detail, f"/{field}"))


def _is_step(step: str) -> bool:
    return step not in (".", "..") and _STEP.fullmatch(step) is not None
