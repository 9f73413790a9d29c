"""Who calls the API, and whether they may: a token, or for reads of the log a person's session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from msgspec import Struct

from trailkeeper.activity import Actor
from trailkeeper.api.services import ApiServices
from trailkeeper.connection import context_of, session_cookie
from trailkeeper.errors import Forbidden, Problem, Unauthorized
from trailkeeper.identity.sessions import SignedIn
from trailkeeper.identity.tokens import Scope
from trailkeeper.team.access import FOR_WHOM

Connection = ASGIConnection[Any, Any, Any, Any]
Check = Callable[[Connection, ApiServices], Awaitable["Caller"]]


class Caller(Struct, frozen=True):
    """Who calls: in which workspace, and as which actor it is recorded."""

    workspace: int
    actor: Actor


class ApiPermission(Struct, frozen=True):
    """What an API handler asks of its caller, declared as `opt={"permission": …}`."""

    name: str
    check: Check | None


async def check_permission(connection: Connection, handler: BaseRouteHandler) -> None:
    """The guard of all API routes. A handler without a permission answers nobody."""
    if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
        return  # answered by Litestar itself, with the methods that there are
    permission = handler.opt.get("permission")
    if not isinstance(permission, ApiPermission):
        raise Problem(f"{handler} declares no permission")
    if permission.check:
        services: ApiServices = connection.app.state["api"]
        connection.scope["state"]["caller"] = await permission.check(connection, services)


def caller_of(connection: Connection) -> Caller:
    """The caller that the guard let through."""
    return connection.scope["state"]["caller"]


def _with_scope(scope: Scope) -> Check:
    async def check(connection: Connection, services: ApiServices) -> Caller:
        token = services.tokens.find(connection.headers.get("authorization", ""))
        token.require(scope)
        return Caller(token.workspace, Actor(type="api_client", id=token.id, name=token.name))

    return check


async def _may_read_log(connection: Connection, services: ApiServices) -> Caller:
    """Tokens with `activities:read`, and people who may see the Audit page. A refused attempt is
    recorded."""
    if authorization := connection.headers.get("authorization"):
        token = services.tokens.find(authorization)
        caller = Caller(token.workspace, Actor(type="api_client", id=token.id, name=token.name))
        if token.allows("activities:read"):
            return caller
        refusal = f"The token `{token.name}` has not the scope `activities:read`"
    else:
        signed_in = await sync_to_thread(_signed_in, connection, services)
        caller = Caller(signed_in.workspace, signed_in.actor)
        if services.access.may_view_audit(signed_in):
            return caller
        refusal = FOR_WHOM
    path, context = connection.url.path, context_of(connection)
    await sync_to_thread(
        services.access.record_refusal, caller.workspace, caller.actor, path, refusal, context
    )
    raise Forbidden(refusal)


def _signed_in(connection: Connection, services: ApiServices) -> SignedIn:
    cookie = session_cookie(connection)
    signed_in = services.sessions.find(cookie) if cookie else None
    if signed_in is None:
        raise Unauthorized("Send an API token as `Authorization: Bearer tk_…`")
    return signed_in


PUBLIC = ApiPermission("public", None)
READ_LOG = ApiPermission("read the audit log", _may_read_log)
ADMIN = ApiPermission("scope admin", _with_scope("admin"))
