"""Who calls the API, and whether they may: a token, or for reads of the log a person's session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from msgspec import Struct

from trailkeeper.activity import Actor, Credential
from trailkeeper.api.services import ApiServices
from trailkeeper.connection import context_of, session_cookie
from trailkeeper.errors import Forbidden, Problem, Unauthorized
from trailkeeper.identity.acting import By
from trailkeeper.identity.privileges import Privilege
from trailkeeper.identity.signed_in import SignedIn
from trailkeeper.identity.tokens import Scope, Token, privileges_of_scopes
from trailkeeper.team.access import FOR_WHOM

USERS_OWN = "This is a user's own: send an API key from Account settings"
ENABLE_FIRST = "This workspace asks for two-factor authentication: enable it first"

Connection = ASGIConnection[Any, Any, Any, Any]
Check = Callable[[Connection, ApiServices], Awaitable["Caller"]]


class Caller(Struct, frozen=True):
    """Who calls: in which workspace, as which actor it is recorded, and what it may do. `person`
    is the member behind it, where it is one."""

    workspace: int
    actor: Actor
    privileges: frozenset[str] = frozenset()
    credential: Credential | None = None
    person: SignedIn | None = None


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


def by_of(connection: Connection) -> By:
    """Who acts, for the operations."""
    caller = caller_of(connection)
    context = context_of(connection)
    if caller.person:
        return caller.person.by(context)
    return By(
        workspace=caller.workspace,
        actor=caller.actor,
        privileges=caller.privileges,
        credential=caller.credential,
        context=context,
    )


def person_of(connection: Connection) -> SignedIn:
    """The member whose own API key was sent."""
    person = caller_of(connection).person
    if person is None:
        raise Forbidden(USERS_OWN)
    return person


def with_scope(scope: Scope) -> ApiPermission:
    """For callers whose token has the scope."""

    async def check(connection: Connection, services: ApiServices) -> Caller:
        token = services.tokens.find(connection.headers.get("authorization", ""))
        token.require(scope)
        return await _caller(token, services)

    return ApiPermission(f"scope {scope}", check)


def holding(privilege: Privilege) -> ApiPermission:
    """For members by their own API key, and tokens, that hold a privilege. A refused attempt is
    recorded."""

    async def check(connection: Connection, services: ApiServices) -> Caller:
        token = services.tokens.find(connection.headers.get("authorization", ""))
        caller = await _caller(token, services)
        if privilege not in caller.privileges:
            refusal = f"This needs the privilege `{privilege}`, which `{token.name}` does not have"
            await _record_denied(connection, services, caller, refusal)
            raise Forbidden(refusal)
        return caller

    return ApiPermission(f"privilege {privilege}", check)


async def _is_person(connection: Connection, services: ApiServices) -> Caller:
    token = services.tokens.find(connection.headers.get("authorization", ""))
    caller = await _caller(token, services)
    if caller.person is None:
        await _record_denied(connection, services, caller, USERS_OWN)
        raise Forbidden(USERS_OWN)
    return caller


async def _record_denied(
    connection: Connection, services: ApiServices, caller: Caller, refusal: str
) -> None:
    connection.scope["state"]["caller"] = caller
    path = connection.url.path
    await sync_to_thread(services.access.record_page_denied, by_of(connection), path, refusal)


async def _caller(token: Token, services: ApiServices) -> Caller:
    if token.user is None:
        return Caller(
            token.workspace,
            Actor(type="api_client", id=token.id, name=token.name),
            privileges_of_scopes(token.scopes),
            Credential(type="api_token", id=token.id),
        )
    person = await sync_to_thread(services.sessions.with_key, token.workspace, token.user, token.id)
    if person is None:
        raise Unauthorized("The user of this API key is no member of the workspace any more")
    if person.must_enable_two_factor:
        raise Forbidden(ENABLE_FIRST)
    return Caller(person.workspace, person.actor, person.privileges, person=person)


async def _may_read_log(connection: Connection, services: ApiServices) -> Caller:
    """Tokens with `activities:read`, and people who may see the Audit page. A refused attempt is
    recorded."""
    if authorization := connection.headers.get("authorization"):
        token = services.tokens.find(authorization)
        caller = await _caller(token, services)
        if "activity_audit.view" in caller.privileges:
            return caller
        refusal = f"The token `{token.name}` has not the scope `activities:read`"
    else:
        signed_in = await sync_to_thread(_signed_in, connection, services)
        caller = Caller(signed_in.workspace, signed_in.actor, person=signed_in)
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
    if signed_in.must_enable_two_factor:
        raise Forbidden(ENABLE_FIRST)
    return signed_in


PUBLIC = ApiPermission("public", None)
READ_LOG = ApiPermission("read the audit log", _may_read_log)
ADMIN = with_scope("admin")
OWN_ACCOUNT = ApiPermission("a user's own API key", _is_person)
