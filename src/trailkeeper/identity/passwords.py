"""Passwords, hashed with argon2id."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from trailkeeper.errors import FieldError, InvalidInput

PASSWORD_MIN = 10
PASSWORD_MAX = 256
STRENGTH_MIN = 3
"""zxcvbn's score from 0 to 4: safe against guessing online, and offline where it is slow."""

STRENGTH_LOOKED_AT = 72

REST_MIN = 6
"""Letters and digits that a password must have besides its user's name and address."""

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


def check_strength(password: str, *about: str) -> None:
    """Raises WeakPassword for one that is too short, too long or easily guessed; `about` are words
    that an attacker would try first, such as the user's name."""
    check_password(password)
    rest = password.casefold()
    for word in sorted(about, key=len, reverse=True):
        if len(word) > 2:
            rest = rest.replace(word.casefold(), "")
    if sum(character.isalnum() for character in rest) < REST_MIN:
        raise WeakPassword("The password is too easy to guess: it is mostly your name or address.")
    found: Any = zxcvbn(password[:STRENGTH_LOOKED_AT], user_inputs=[*about, "trailkeeper"])
    if found["score"] < STRENGTH_MIN:
        advice = found["feedback"]["warning"] or "Add another word or two"
        raise WeakPassword(f"The password is too easy to guess. {advice.rstrip('.')}.")


def hash_password(password: str) -> str:
    """The argon2id hash to keep. Raises WeakPassword."""
    check_password(password)
    with _at_once:
        return _hasher.hash(password)


def hash_chosen(password: str, pointer: str, email: str, name: str) -> str:
    """The hash of a password that somebody chose on a page. Raises InvalidInput, which points to
    the field, for one that is too easily guessed."""
    try:
        about = [email, name, *email.replace("@", " ").split(), *name.split()]
        check_strength(password, *about)
    except WeakPassword as weak:
        raise InvalidInput(str(weak), FieldError(str(weak), pointer)) from None
    return hash_password(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is right. Without a hash (unknown user) it takes as long, and is not."""
    with _at_once:
        try:
            _hasher.verify(password_hash or _nobody(), password[: PASSWORD_MAX + 1])
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None
