"""Whether a user has a second factor, as an expression for any query over users."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, or_, select

from trailkeeper.ledger.schema import passkey, user


def has_second_factor(users: Any = user) -> ColumnElement[bool]:
    """True for a user, or the alias of one, with an authenticator app or a passkey."""
    return or_(
        users.c.totp_sealed.is_not(None),
        exists(select(passkey.c.key).where(passkey.c.user == users.c.key)),
    )


def is_protected(connection: Connection, user_key: int) -> bool:
    """Whether this user has a second factor."""
    found = connection.execute(select(has_second_factor()).where(user.c.key == user_key)).scalar()
    return bool(found)
