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
from trailkeeper.identity.acting import By
from trailkeeper.installation import Installation
from trailkeeper.team.permissions import Rule, acts_as_self, both
from trailkeeper.web.security import WebRequest
from trailkeeper.web.services import Services, SignedIn

Connection = ASGIConnection[object, object, object, State]


class Permission(Struct, frozen=True):
    """What a handler asks of its caller, declared as `opt={"permission": …}`.

    Without `allowed` it is open to everyone; else a session is needed of which it is true.
    """

    name: str
    allowed: Callable[[Services, SignedIn], bool] | None
    before_second_factor: bool = False
    """Whether it is open to a member who still has to enable the second factor that their
    workspace asks for."""


PUBLIC = Permission("public", None)
SIGNED_IN = Permission("signed in", lambda _services, _session: True)
SIGNED_IN_ANYHOW = Permission("signed in", lambda _services, _session: True, True)
SELF = Permission("an account of one's own", lambda _services, session: acts_as_self(session))
SELF_ANYHOW = Permission(
    "an account of one's own", lambda _services, session: acts_as_self(session), True
)


def needs(name: str, *rules: Rule) -> Permission:
    """A permission for which all these rules must hold; `name` says what is needed, for people."""
    rule = both(*rules)
    return Permission(name, lambda _services, session: rule(session))


VIEW_AUDIT = Permission(
    "view the audit log", lambda services, session: services.access.may_view_audit(session)
)


class LogInNeeded(NotAuthorizedException):
    """There is no session, or it has ended."""


class SecondFactorNeeded(PermissionDeniedException):
    """The workspace asks for a second factor, and the user has none yet."""


class NotAllowed(PermissionDeniedException):
    """The session may not do this; the refusal is recorded."""

    def __init__(self, session: SignedIn, permission: Permission) -> None:
        super().__init__("not allowed")
        self.session = session
        self.permission = permission


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
    if session.must_enable_two_factor and not permission.before_second_factor:
        raise SecondFactorNeeded
    if permission.allowed is not None and not permission.allowed(services, session):
        context = context_of(connection, session)
        if permission == VIEW_AUDIT:
            services.access.record_denied(session, connection.url.path, context)
        else:
            path = connection.url.path
            services.access.record_page_denied(session.by(context), path, permission.name)
        raise NotAllowed(session, permission)


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


def installation_of(request: WebRequest) -> Installation:
    """The installation with all operations."""
    installation = services_of(request).installation
    if installation is None:
        raise ImproperlyConfiguredException("the state's `services` have no installation")
    return installation


def by_of(request: WebRequest) -> By:
    """Who acts, for the operations."""
    session = session_of(request)
    return session.by(context_of(request, session))


def find_session(request: WebRequest) -> SignedIn | None:
    """The session if there is one, for pages that everyone may see."""
    return _find(request)


def _find(connection: Connection | WebRequest) -> SignedIn | None:
    cookie = session_cookie(connection)
    return services_of(connection).sessions.find(cookie) if cookie else None
