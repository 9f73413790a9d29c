"""The team: collaborators, invitations, and the teams one belongs to."""

from __future__ import annotations

from collections.abc import Callable

from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.connection import SESSION_COOKIE, context_of
from trailkeeper.errors import Problem
from trailkeeper.team.permissions import acts_as_self, holds, is_owner
from trailkeeper.web.forms import Plain, Sent, attempt
from trailkeeper.web.render import go_to
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import TEAM, TEAMS, check_form, done
from trailkeeper.web.security import WebRequest, make_cookie
from trailkeeper.web.session import (
    SELF,
    SIGNED_IN_ANYHOW,
    by_of,
    installation_of,
    needs,
    session_of,
)

MANAGE = needs("the privilege to manage collaborators", holds("team.manage"))
OWN = needs("to be the owner", is_owner, acts_as_self)

INVITATIONS = "/team/invitations"


class InviteForm(Struct):
    email: str = ""
    role: str = ""
    csrf: str = ""


class RoleForm(Struct):
    role: str = ""
    csrf: str = ""


class TransferForm(Struct):
    id: str = ""
    password: str = ""
    csrf: str = ""


class SwitchForm(Struct):
    id: str = ""
    password: str = ""
    csrf: str = ""


class DelegatedPasswordForm(Struct):
    id: str = ""
    current: str = ""
    new: str = ""
    csrf: str = ""


@page("/team", MANAGE)
def members_page(request: WebRequest) -> Response[str]:
    return _members(request)


@form("/team/invite", MANAGE)
def invite(request: WebRequest, data: Sent[InviteForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, invitations = by_of(request), installation_of(request).invitations
    problem = attempt(lambda: invitations.create(by, data.email, data.role))
    if problem:
        return _members(request, problem, email=data.email, role=data.role)
    return done(INVITATIONS, "invited")


@form("/team/members/{id:str}/role", MANAGE)
def update_role(request: WebRequest, id: FromPath[str], data: Sent[RoleForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, members = by_of(request), installation_of(request).members
    problem = attempt(lambda: members.update_role(by, id, data.role))
    return _members(request, problem) if problem else done("/team", "member-updated")


@form("/team/members/{id:str}/remove", MANAGE)
def remove(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    by, members = by_of(request), installation_of(request).members
    problem = attempt(lambda: members.remove(by, id))
    return _members(request, problem) if problem else done("/team", "member-deleted")


@form("/team/transfer", OWN)
def transfer(request: WebRequest, data: Sent[TransferForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, members = by_of(request), installation_of(request).members
    problem = attempt(lambda: members.transfer(by, data.id, data.password))
    return _members(request, problem) if problem else done("/team", "transferred")


def _members(
    request: WebRequest, problem: Problem | None = None, *, email: str = "", role: str = ""
) -> Response[str]:
    who, installation = session_of(request), installation_of(request)
    return TEAM.page(
        request,
        "team_members.html",
        "Collaborators",
        problem=problem,
        members=installation.members.listed(who.workspace),
        roles=_grantable(request),
        email=email,
        role=role or "Operator",
    )


def _grantable(request: WebRequest) -> list[str]:
    """The names of the roles that the user may give."""
    who = session_of(request)
    roles = installation_of(request).roles.listed(who.workspace)
    return [role.name for role in roles if set(role.privileges) <= who.privileges]


@page(INVITATIONS, MANAGE)
def invitations_page(request: WebRequest) -> Response[str]:
    return _invitations(request)


@form(f"{INVITATIONS}/{{id:str}}/role", MANAGE)
def modify_invite(request: WebRequest, id: FromPath[str], data: Sent[RoleForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, invitations = by_of(request), installation_of(request).invitations
    return _after(request, lambda: invitations.modify(by, id, data.role), "invite-modified")


@form(f"{INVITATIONS}/{{id:str}}/cancel", MANAGE)
def cancel_invite(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    by, invitations = by_of(request), installation_of(request).invitations
    return _after(request, lambda: invitations.cancel(by, id), "invite-canceled")


@form(f"{INVITATIONS}/{{id:str}}/resend", MANAGE)
def resend_invite(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    by, invitations = by_of(request), installation_of(request).invitations
    return _after(request, lambda: invitations.resend(by, id), "resent")


def _after(request: WebRequest, do: Callable[[], object], slug: str) -> Response[str]:
    problem = attempt(do)
    return _invitations(request, problem) if problem else done(INVITATIONS, slug)


def _invitations(request: WebRequest, problem: Problem | None = None) -> Response[str]:
    who = session_of(request)
    return TEAM.page(
        request,
        "team_invitations.html",
        "Pending invitations",
        problem=problem,
        invitations=installation_of(request).invitations.listed(who.workspace),
        roles=_grantable(request),
        kept_mail=installation_of(request).mailer.keeps,
    )


@page("/teams", SIGNED_IN_ANYHOW)
def teams_page(request: WebRequest) -> Response[str]:
    """The teams one belongs to, and the accounts one administers for others."""
    return _teams(request)


@form("/teams/switch", SIGNED_IN_ANYHOW)
def switch(request: WebRequest, data: Sent[SwitchForm]) -> Response[str]:
    check_form(request, data.csrf)
    who, teams = session_of(request), installation_of(request).teams
    try:
        cookie, _ = teams.switch(who, data.id, context_of(request, who))
    except Problem as problem:
        return _teams(request, problem)
    return go_to("/", cookies=[make_cookie(request, SESSION_COOKIE, cookie)])


@form("/teams/delegated", SELF)
def act_for(request: WebRequest, data: Sent[SwitchForm]) -> Response[str]:
    """Starts acting for another user's account, with the password for that."""
    check_form(request, data.csrf)
    who, delegation = session_of(request), installation_of(request).delegation
    try:
        cookie, _ = delegation.enter(who, data.id, data.password, context_of(request, who))
    except Problem as problem:
        return _teams(request, problem)
    return go_to("/", cookies=[make_cookie(request, SESSION_COOKIE, cookie)])


DELEGATED_PASSWORD = "/settings/delegated-password"  # noqa: S105


@page(DELEGATED_PASSWORD, SELF)
def delegated_password_page(request: WebRequest) -> Response[str]:
    return _delegated_password(request)


@form(DELEGATED_PASSWORD, SELF)
def set_delegated_password(request: WebRequest, data: Sent[DelegatedPasswordForm]) -> Response[str]:
    check_form(request, data.csrf)
    who, delegation = session_of(request), installation_of(request).delegation
    context = context_of(request, who)
    problem = attempt(
        lambda: delegation.set_password(who, data.id, data.current, data.new, context)
    )
    if problem:
        return _delegated_password(request, problem, data.id)
    return done("/teams", "delegated-password")


def _delegated_password(
    request: WebRequest, problem: Problem | None = None, chosen: str = ""
) -> Response[str]:
    accounts = installation_of(request).delegation.accounts(session_of(request).user)
    return TEAMS.page(
        request,
        "delegated_password.html",
        "Delegated-admin password",
        problem=problem,
        accounts=accounts,
        chosen=chosen or request.query_params.get("account", ""),
    )


def _teams(request: WebRequest, problem: Problem | None = None) -> Response[str]:
    who, installation = session_of(request), installation_of(request)
    return TEAMS.page(
        request,
        "teams.html",
        "Switch team",
        problem=problem,
        teams=installation.teams.of(who.user),
        accounts=installation.delegation.accounts(who.user),
    )


ROUTES = [
    members_page,
    invite,
    update_role,
    remove,
    transfer,
    invitations_page,
    modify_invite,
    cancel_invite,
    resend_invite,
    teams_page,
    switch,
    act_for,
    delegated_password_page,
    set_delegated_password,
]
