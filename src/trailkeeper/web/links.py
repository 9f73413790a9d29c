"""Forgotten passwords, and what the links in mails lead to.

A link only shows a form: programs that look at links in mails must not use them up.
"""

from __future__ import annotations

from urllib.parse import urlencode

from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.connection import SESSION_COOKIE, context_of
from trailkeeper.errors import Problem
from trailkeeper.web.door import STALE, is_ours, open_page
from trailkeeper.web.forms import OpenPlain, Sent, attempt
from trailkeeper.web.render import go_to
from trailkeeper.web.routes import form, page
from trailkeeper.web.security import WebRequest, make_cookie
from trailkeeper.web.session import PUBLIC, find_session, installation_of


class ForgotForm(Struct):
    email: str = ""
    form: str = ""


class ResetForm(Struct):
    new: str = ""
    form: str = ""


class InviteForm(Struct):
    name: str = ""
    new: str = ""
    form: str = ""


@page("/forgot", PUBLIC)
def forgot_page(request: WebRequest) -> Response[str]:
    """Asks for the address."""
    return _forgot(request)


@form("/forgot", PUBLIC)
def forgot(request: WebRequest, data: Sent[ForgotForm]) -> Response[str]:
    """Says the same whether there is such an account or not."""
    if not is_ours(request, data.form):
        return _forgot(request, data.email, STALE, status=403)
    accounts = installation_of(request).accounts
    problem = attempt(lambda: accounts.ask_reset(data.email, context_of(request)))
    return _forgot(request, data.email, problem, sent=not problem)


def _forgot(
    request: WebRequest,
    email: str = "",
    problem: Problem | str | None = None,
    *,
    status: int | None = None,
    sent: bool = False,
) -> Response[str]:
    return open_page(request, "forgot.html", problem=problem, status=status, email=email, sent=sent)


@page("/reset/{token:str}", PUBLIC)
def reset_page(request: WebRequest, token: FromPath[str]) -> Response[str]:
    """Asks for the new password."""
    accounts = installation_of(request).accounts
    if ended := attempt(lambda: accounts.look_at_reset(token)):
        return _ended(request, ended)
    return open_page(request, "reset.html")


@form("/reset/{token:str}", PUBLIC)
def reset(request: WebRequest, token: FromPath[str], data: Sent[ResetForm]) -> Response[str]:
    """Sets the new password and uses the link up."""
    if not is_ours(request, data.form):
        return open_page(request, "reset.html", problem=STALE, status=403)
    accounts = installation_of(request).accounts
    problem = attempt(lambda: accounts.reset(token, data.new, context_of(request)))
    if problem and problem.status == 404:
        return _ended(request, problem)
    if problem:
        return open_page(request, "reset.html", problem=problem)
    return go_to("/login?done=reset")


@page("/confirm-email/{token:str}", PUBLIC)
def confirm_email_page(request: WebRequest, token: FromPath[str]) -> Response[str]:
    """Asks for one more click."""
    try:
        email = installation_of(request).accounts.look_at_email(token)
    except Problem as ended:
        return _ended(request, ended)
    return open_page(request, "confirm_email.html", email=email)


@form("/confirm-email/{token:str}", PUBLIC)
def confirm_email(
    request: WebRequest, token: FromPath[str], data: Sent[OpenPlain]
) -> Response[str]:
    """Changes the address and uses the link up."""
    if not is_ours(request, data.form):
        return _ended(request, STALE, 403)
    accounts = installation_of(request).accounts
    if problem := attempt(lambda: accounts.confirm_email(token, context_of(request))):
        return _ended(request, problem)
    signed_in = find_session(request)
    return go_to("/settings/account?done=email" if signed_in else "/login?done=email")


@page("/invite/{token:str}", PUBLIC)
def invite_page(request: WebRequest, token: FromPath[str]) -> Response[str]:
    """What one is invited to, with the form that fits: to make an account, to log in, to join."""
    return _invite(request, token, InviteForm())


@form("/invite/{token:str}", PUBLIC)
def accept_invite(
    request: WebRequest, token: FromPath[str], data: Sent[InviteForm]
) -> Response[str]:
    """Joins the team, with the session's account or with a new one, and goes on there."""
    if not is_ours(request, data.form):
        return _ended(request, STALE, 403)
    invitations = installation_of(request).invitations
    context = context_of(request)
    signed_in = find_session(request)
    try:
        if signed_in:
            entered = invitations.accept(signed_in, token, context)
        else:
            entered = invitations.accept_as_new(token, data.name, data.new, context)
    except Problem as problem:
        return _invite(request, token, data, problem)
    if entered is None:
        return go_to("/teams?done=joined" if signed_in else "/login?done=joined")
    return go_to("/", cookies=[make_cookie(request, SESSION_COOKIE, entered[0])])


def _invite(
    request: WebRequest, token: str, data: InviteForm, problem: Problem | None = None
) -> Response[str]:
    try:
        found, has_account = installation_of(request).invitations.look(token)
    except Problem as ended:
        return _ended(request, ended)
    signed_in = find_session(request)
    return open_page(
        request,
        "invite.html",
        problem=problem,
        invitation=found,
        has_account=has_account,
        signed_in=signed_in,
        login=f"/login?{urlencode({'next': request.url.path})}",
        name=data.name,
    )


def _ended(request: WebRequest, problem: Problem | str, status: int | None = None) -> Response[str]:
    return open_page(request, "link_ended.html", problem=problem, status=status)


ROUTES = [
    forgot_page,
    forgot,
    reset_page,
    reset,
    confirm_email_page,
    confirm_email,
    invite_page,
    accept_invite,
]
