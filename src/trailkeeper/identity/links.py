"""Things that are good once, such as links in mails: only the SHA-256 of their token is kept."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select

from trailkeeper.activity import now_us
from trailkeeper.errors import NotFound
from trailkeeper.identity.secrets import digest, new_cookie
from trailkeeper.ledger.schema import one_time_link

Purpose = Literal["password_reset", "email_change", "passkey"]

TOKEN_MAX = 100


class LinkEnded(NotFound):
    """The link was used, is too old, or never was one."""

    def __init__(self) -> None:
        super().__init__("This link was used already, or is too old. Ask for a new one.")


class Link(Struct, frozen=True):
    """What a link is for. `email` is the address to confirm."""

    user: int
    email: str | None


def make(
    connection: Connection, purpose: Purpose, user: int, minutes: int, email: str | None = None
) -> str:
    """A new link's token; earlier links of the user for the same purpose end."""
    drop(connection, user, purpose)
    token = new_cookie()
    at = now_us()
    connection.execute(
        insert(one_time_link).values(
            token_hash=digest(token),
            purpose=purpose,
            user=user,
            email=email,
            created_at=at,
            expires_at=at + minutes * 60_000_000,
        )
    )
    return token


def look(connection: Connection, purpose: Purpose, token: str) -> Link:
    """What a link is for. Raises LinkEnded."""
    row = connection.execute(
        select(one_time_link.c.user, one_time_link.c.email).where(
            one_time_link.c.token_hash == digest(token[:TOKEN_MAX]),
            one_time_link.c.purpose == purpose,
            one_time_link.c.expires_at > now_us(),
        )
    ).first()
    if row is None:
        raise LinkEnded
    return Link(*row)


def take(connection: Connection, purpose: Purpose, token: str) -> Link:
    """The same, and use it up, in a transaction. Raises LinkEnded."""
    link = look(connection, purpose, token)
    connection.execute(
        delete(one_time_link).where(one_time_link.c.token_hash == digest(token[:TOKEN_MAX]))
    )
    return link


def drop(connection: Connection, user: int, purpose: Purpose | None = None) -> None:
    """End a user's links, all or those for one purpose."""
    ended = delete(one_time_link).where(one_time_link.c.user == user)
    if purpose is not None:
        ended = ended.where(one_time_link.c.purpose == purpose)
    connection.execute(ended)
