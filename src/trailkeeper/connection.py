"""What the API and the pages both read off a request."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from litestar.connection import ASGIConnection

from trailkeeper.activity import Context
from trailkeeper.identity.signed_in import SignedIn

AnyConnection = ASGIConnection[Any, Any, Any, Any]

SESSION_COOKIE = "trailkeeper_session"


def is_https(connection: AnyConnection) -> bool:
    """Whether the client speaks TLS, to us or to a trusted proxy."""
    return connection.url.scheme == "https"


def cookie_name(connection: AnyConnection, name: str) -> str:
    """With the `__Host-` prefix on https, which keeps other hosts from setting it."""
    return f"__Host-{name}" if is_https(connection) else name


def session_cookie(connection: AnyConnection) -> str | None:
    """The value of the session's cookie."""
    return connection.cookies.get(cookie_name(connection, SESSION_COOKIE))


def context_of(connection: AnyConnection, signed_in: SignedIn | None = None) -> Context:
    """Where the request came from, as the log keeps it."""
    agent = connection.headers.get("user-agent")
    return Context(
        ip_address=connection.client.host if connection.client else None,
        user_agent=agent[:2_048] if agent else None,
        session_id=signed_in.session_id if signed_in else None,
    )


def rest_of_path(connection: AnyConnection, start: str) -> str:
    """What stands behind `start` in the address, decoded once: an id may hold a `/`, which in the
    decoded path cannot be told from the others."""
    raw: bytes = connection.scope["raw_path"]
    return unquote(raw.decode("ascii", "replace").partition(start)[2])
