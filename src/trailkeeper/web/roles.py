"""Custom roles."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.errors import Problem
from trailkeeper.identity.privileges import PRIVILEGES
from trailkeeper.team.permissions import holds
from trailkeeper.web.forms import Plain, Sent, attempt, many
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import TEAM, check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, needs, session_of

ROLES = "/team/roles"
MANAGE = needs("the privilege to manage roles", holds("roles.manage"))


class RoleForm(Struct):
    name: str = ""
    privileges: str | list[str] = ""
    csrf: str = ""


@page(ROLES, MANAGE)
def roles_page(request: WebRequest) -> Response[str]:
    return _roles(request)


@page(f"{ROLES}/new", MANAGE)
def new_role_page(request: WebRequest) -> Response[str]:
    return _form(request, None, RoleForm())


@form(f"{ROLES}/new", MANAGE)
def create_role(request: WebRequest, data: Sent[RoleForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, roles = by_of(request), installation_of(request).roles
    problem = attempt(lambda: roles.create(by, data.name, many(data.privileges)))
    return _form(request, None, data, problem) if problem else done(ROLES, "role-created")


@page(f"{ROLES}/{{id:str}}", MANAGE)
def role_page(request: WebRequest, id: FromPath[str]) -> Response[str]:
    try:
        role = installation_of(request).roles.find(session_of(request).workspace, id)
    except Problem as problem:
        return _roles(request, problem)
    return _form(request, id, RoleForm(role.name, role.privileges))


@form(f"{ROLES}/{{id:str}}", MANAGE)
def update_role(request: WebRequest, id: FromPath[str], data: Sent[RoleForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, roles = by_of(request), installation_of(request).roles
    problem = attempt(lambda: roles.update(by, id, data.name, many(data.privileges)))
    if problem and problem.status == 404:
        return _roles(request, problem)
    return _form(request, id, data, problem) if problem else done(ROLES, "role-updated")


@form(f"{ROLES}/{{id:str}}/delete", MANAGE)
def delete_role(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    by, roles = by_of(request), installation_of(request).roles
    problem = attempt(lambda: roles.delete(by, id))
    return _roles(request, problem) if problem else done(ROLES, "role-deleted")


def _roles(request: WebRequest, problem: Problem | None = None) -> Response[str]:
    workspace = session_of(request).workspace
    return TEAM.page(
        request,
        "team_roles.html",
        "Roles",
        problem=problem,
        roles=installation_of(request).roles.listed(workspace),
        meaning=PRIVILEGES,
    )


def _form(
    request: WebRequest, id: str | None, data: RoleForm, problem: Problem | None = None
) -> Response[str]:
    return TEAM.page(
        request,
        "team_role.html",
        "Change role" if id else "New role",
        problem=problem,
        id=id,
        name=data.name,
        chosen=set(many(data.privileges)),
        meaning=PRIVILEGES,
    )


ROUTES = [roles_page, new_role_page, create_role, role_page, update_role, delete_role]
