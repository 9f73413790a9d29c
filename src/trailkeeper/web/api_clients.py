"""Machine access: API clients, made, rotated and revoked."""

from __future__ import annotations

from typing import cast

from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.activity import now_us
from trailkeeper.errors import Problem
from trailkeeper.identity.tokens import SCOPES, NewToken, Scope
from trailkeeper.team.permissions import holds
from trailkeeper.web.forms import Plain, Sent, attempt, many
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import SETTINGS, check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, needs, session_of

CLIENTS = "/settings/api-clients"
MANAGE = needs("the privilege to manage API clients", holds("api_clients.manage"))

MEANING: dict[Scope, str] = {
    "activities:write": "Record activities",
    "activities:read": "Read the activity audit log",
    "jobs:write": "Record jobs",
    "streams:manage": "Set up audit log streaming",
    "team:manage": "Manage collaborators and roles",
    "assets:manage": "Manage recipes, connections and the other assets",
    "admin": "Everything",
}
DAYS = {"": "Never", "30": "In 30 days", "90": "In 90 days", "365": "In a year"}


class ClientForm(Struct):
    name: str = ""
    scopes: str | list[str] = ""
    days: str = ""
    csrf: str = ""


@page(CLIENTS, MANAGE)
def clients_page(request: WebRequest) -> Response[str]:
    return _clients(request)


@form(CLIENTS, MANAGE)
def create_client(request: WebRequest, data: Sent[ClientForm]) -> Response[str]:
    """Shows the token, this once."""
    check_form(request, data.csrf)
    by, tokens = by_of(request), installation_of(request).tokens
    scopes = cast("list[Scope]", [scope for scope in many(data.scopes) if scope in SCOPES])
    days = int(data.days) if data.days in DAYS and data.days else None
    ends = now_us() + days * 86_400_000_000 if days else None
    try:
        made = tokens.create(by, data.name, scopes, ends)
    except Problem as problem:
        return _clients(request, problem, data=data)
    return _clients(request, made=made)


@form(f"{CLIENTS}/{{id:str}}/rotate", MANAGE)
def rotate_client(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    """Shows the new token, this once; the old one is refused at once."""
    check_form(request, data.csrf)
    try:
        made = installation_of(request).tokens.rotate(by_of(request), id)
    except Problem as problem:
        return _clients(request, problem)
    return _clients(request, made=made)


@form(f"{CLIENTS}/{{id:str}}/revoke", MANAGE)
def revoke_client(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    by, tokens = by_of(request), installation_of(request).tokens
    problem = attempt(lambda: tokens.revoke(by, id))
    return _clients(request, problem) if problem else done(CLIENTS, "client-revoked")


def _clients(
    request: WebRequest,
    problem: Problem | None = None,
    *,
    made: NewToken | None = None,
    data: ClientForm | None = None,
) -> Response[str]:
    data = data or ClientForm()
    return SETTINGS.page(
        request,
        "settings_api_clients.html",
        "API clients",
        problem=problem,
        clients=installation_of(request).tokens.listed(session_of(request).workspace),
        made=made,
        name=data.name,
        chosen=set(many(data.scopes)),
        days=data.days,
        choices=list(DAYS.items()),
        meaning=MEANING,
    )


ROUTES = [clients_page, create_client, rotate_client, revoke_client]
