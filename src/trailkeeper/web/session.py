"""Who is asking: one guard for every page, driven by the permission each handler declares."""

from __future__ import annotations

from collections.abc import Callable

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import (
    ImproperlyConfiguredException,
    NotAuthorizedException,
    PermissionDeniedException,
)
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from trailkeeper.connection import context_of, session_cookie
from trailkeeper.web.security import WebRequest
from trailkeeper.web.services import Services, SignedIn

Connection = ASGIConnection[object, object, object, State]


class Permission(Struct, frozen=True):
    """What a handler asks of its caller, declared as `opt={"permission": …}`.

    Without `allowed` it is open to everyone; else a session is needed of which it is true.
    """

    name: str
    allowed: Callable[[Services, SignedIn], bool] | None


PUBLIC = Permission("public", None)
SIGNED_IN = Permission("signed in", lambda _services, _session: True)
VIEW_AUDIT = Permission(
    "view the audit log", lambda services, session: services.access.may_view_audit(session)
)


class LogInNeeded(NotAuthorizedException):
    """There is no session, or it has ended."""


class NotAllowed(PermissionDeniedException):
    """The session may not do this; the refusal is recorded."""

    def __init__(self, session: SignedIn) -> None:
        super().__init__("not allowed")
        self.session = session


async def check_permission(connection: Connection, handler: BaseRouteHandler) -> None:
    """The guard. A handler without a permission answers nobody.

    Raises LogInNeeded, NotAllowed.
    """
    permission = handler.opt.get("permission")
    if not isinstance(permission, Permission):
        raise ImproperlyConfiguredException(f"{handler} declares no permission")
    if permission.allowed is not None:
        await sync_to_thread(_check, connection, permission)


def _check(connection: Connection, permission: Permission) -> None:
    services = services_of(connection)
    session = _find(connection)
    if session is None:
        raise LogInNeeded
    connection.scope["state"]["session"] = session
    if permission.allowed is not None and not permission.allowed(services, session):
        services.access.record_denied(session, connection.url.path, context_of(connection, session))
        raise NotAllowed(session)


def services_of(connection: Connection | WebRequest) -> Services:
    """What the composition root put into the application's state."""
    services = connection.app.state["services"]
    if not isinstance(services, Services):
        raise ImproperlyConfiguredException("the state's `services` are not web Services")
    return services


def session_of(request: WebRequest) -> SignedIn:
    """The session of a request that the guard let through."""
    session = request.scope["state"]["session"]
    if not isinstance(session, SignedIn):
        raise LogInNeeded
    return session


def find_session(request: WebRequest) -> SignedIn | None:
    """The session if there is one, for pages that everyone may see."""
    return _find(request)


def _find(connection: Connection | WebRequest) -> SignedIn | None:
    cookie = session_cookie(connection)
    return services_of(connection).sessions.find(cookie) if cookie else None
