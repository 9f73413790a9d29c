"""Names and addresses that people type, checked."""

from __future__ import annotations

import re

from trailkeeper.errors import FieldError, InvalidInput

NAME_MAX = 100
EMAIL_MAX = 254

_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\".]+")


def checked_email(email: str, pointer: str) -> str:
    """The address in lower case. Raises InvalidInput for what is none."""
    email = email.strip().lower()
    if len(email) > EMAIL_MAX or not email.isprintable() or not _EMAIL.fullmatch(email):
        detail = "is no e-mail address"
        raise InvalidInput(f"{email[:80]!r} {detail}", FieldError(detail, pointer))
    return email


def checked_name(name: str, what: str, pointer: str) -> str:
    """The name without blanks around it. Raises InvalidInput for an empty or unprintable one."""
    name = name.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        detail = f"must have 1 to {NAME_MAX} printable characters"
        raise InvalidInput(f"{what} {detail}", FieldError(detail, pointer))
    return name
