"""Passwords, hashed with argon2id."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_MIN = 10
PASSWORD_MAX = 256

_hasher = PasswordHasher()
_at_once = threading.BoundedSemaphore(2)
"""A hash takes 64 MiB and tens of milliseconds; a flood of log-ins must not take all there is."""


@cache
def _nobody() -> str:
    """The hash to compare with when there is no user. It takes as long as a log-in to make, so it
    is made when first needed, or by `make_ready`."""
    return _hasher.hash("no user has this password")


def make_ready() -> None:
    """Call it before the first log-in, so that not even that one takes longer for an unknown
    user."""
    _nobody()


class WeakPassword(ValueError):
    """A password that is too short or too long."""


def check_password(password: str) -> None:
    """Raises WeakPassword for one that is not taken."""
    if len(password) < PASSWORD_MIN:
        raise WeakPassword(f"The password must have at least {PASSWORD_MIN} characters")
    if len(password) > PASSWORD_MAX:
        raise WeakPassword(f"The password must have at most {PASSWORD_MAX} characters")


def hash_password(password: str) -> str:
    """The argon2id hash to keep. Raises WeakPassword."""
    check_password(password)
    with _at_once:
        return _hasher.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is right. Without a hash (unknown user) it takes as long, and is not."""
    with _at_once:
        try:
            _hasher.verify(password_hash or _nobody(), password[: PASSWORD_MAX + 1])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None
