"""Settings of the workspace: error notifications, who acts for the owner, sign-in."""

from __future__ import annotations

from litestar import Response
from msgspec import Struct

from trailkeeper.errors import Problem
from trailkeeper.team.permissions import acts_as_self, holds, is_owner
from trailkeeper.team.workspaces import is_first
from trailkeeper.web.forms import Plain, Sent, attempt
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import SETTINGS, check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, needs, session_of

MANAGE = needs("the privilege to change the workspace's settings", holds("settings.manage"))
OWN = needs("to be the owner", is_owner, acts_as_self)
FIRST = needs("to be the owner of the installation's first workspace", is_owner, is_first)

JOBS = "/settings/jobs"
DELEGATED = "/settings/delegated-admins"
SIGN_IN = "/settings/sign-in"


class EmailsForm(Struct):
    emails: str = ""
    csrf: str = ""


class SwitchForm(Struct):
    enabled: str = ""
    csrf: str = ""


class PersonForm(Struct):
    email: str = ""
    id: str = ""
    csrf: str = ""


class SignInForm(Struct):
    require_two_factor: str = ""
    csrf: str = ""


@page(JOBS, MANAGE)
def jobs_page(request: WebRequest) -> Response[str]:
    return _jobs(request)


@form(f"{JOBS}/emails", MANAGE)
def set_emails(request: WebRequest, data: Sent[EmailsForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, notifications = by_of(request), installation_of(request).notifications
    emails = data.emails.replace(",", " ").split()
    problem = attempt(lambda: notifications.set_emails(by, emails))
    return _jobs(request, problem, data.emails) if problem else done(JOBS, "emails")


@form(f"{JOBS}/throttling", MANAGE)
def set_throttling(request: WebRequest, data: Sent[SwitchForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, notifications = by_of(request), installation_of(request).notifications
    problem = attempt(lambda: notifications.set_throttling(by, bool(data.enabled)))
    return _jobs(request, problem) if problem else done(JOBS, "throttling")


@form(f"{JOBS}/test", MANAGE)
def send_test(request: WebRequest, data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    by, notifications = by_of(request), installation_of(request).notifications
    problem = attempt(lambda: notifications.send_test(by))
    return _jobs(request, problem) if problem else done(JOBS, "tested")


def _jobs(
    request: WebRequest, problem: Problem | None = None, emails: str | None = None
) -> Response[str]:
    workspace = session_of(request).workspace
    settings = installation_of(request).notifications.settings(workspace)
    return SETTINGS.page(
        request,
        "settings_jobs.html",
        "Jobs settings",
        problem=problem,
        emails="\n".join(settings.emails) if emails is None else emails,
        throttling=settings.throttling,
        kept_mail=installation_of(request).mailer.keeps,
    )


@page(DELEGATED, OWN)
def delegated_page(request: WebRequest) -> Response[str]:
    return _delegated(request)


@form(f"{DELEGATED}/add", OWN)
def add_delegated(request: WebRequest, data: Sent[PersonForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, delegation = by_of(request), installation_of(request).delegation
    problem = attempt(lambda: delegation.add(by, data.email))
    if problem:
        return _delegated(request, problem, data.email)
    return done(DELEGATED, "delegated-added")


@form(f"{DELEGATED}/remove", OWN)
def remove_delegated(request: WebRequest, data: Sent[PersonForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, delegation = by_of(request), installation_of(request).delegation
    problem = attempt(lambda: delegation.remove(by, data.id))
    return _delegated(request, problem) if problem else done(DELEGATED, "delegated-removed")


def _delegated(
    request: WebRequest, problem: Problem | None = None, email: str = ""
) -> Response[str]:
    return SETTINGS.page(
        request,
        "settings_delegated.html",
        "Delegated administrator",
        problem=problem,
        admins=installation_of(request).delegation.admins(session_of(request).workspace),
        email=email,
    )


@page(SIGN_IN, MANAGE)
def sign_in_page(request: WebRequest) -> Response[str]:
    return _sign_in(request)


@form(f"{SIGN_IN}/two-factor", MANAGE)
def require_two_factor(request: WebRequest, data: Sent[SignInForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, sign_in = by_of(request), installation_of(request).sign_in
    problem = attempt(lambda: sign_in.require_two_factor(by, bool(data.require_two_factor)))
    return _sign_in(request, problem) if problem else done(SIGN_IN, "sign-in")


def _sign_in(request: WebRequest, problem: Problem | None = None) -> Response[str]:
    workspace = session_of(request).workspace
    return SETTINGS.page(
        request,
        "settings_sign_in.html",
        "Sign-in",
        problem=problem,
        required=installation_of(request).sign_in.requires_two_factor(workspace),
    )


@page("/settings/mail", FIRST)
def mail_page(request: WebRequest) -> Response[str]:
    """The mails that were written to the folder because no mail server is set."""
    mailer = installation_of(request).mailer
    return SETTINGS.page(
        request, "settings_mail.html", "Mail", mails=mailer.kept(), keeps=mailer.keeps
    )


ROUTES = [
    jobs_page,
    set_emails,
    set_throttling,
    send_test,
    delegated_page,
    add_delegated,
    remove_delegated,
    sign_in_page,
    require_two_factor,
    mail_page,
]
