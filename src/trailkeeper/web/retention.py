"""Settings, Data retention: how long activities and jobs are kept, and what is held."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.errors import FieldError, InvalidInput, Problem
from trailkeeper.retention.rules import Preview
from trailkeeper.team.permissions import holds as holds_privilege
from trailkeeper.web.forms import Plain, Sent, attempt
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import SETTINGS, check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, needs, session_of

MANAGE = needs(
    "the privilege to change the workspace's settings", holds_privilege("settings.manage")
)
RETENTION = "/settings/retention"


class DaysForm(Struct):
    """`confirmed` is the number of days whose preview was seen."""

    days: str = ""
    confirmed: str = ""
    csrf: str = ""


class UndeliveredForm(Struct):
    allowed: str = ""
    csrf: str = ""


class HoldForm(Struct):
    name: str = ""
    query: str = ""
    reason: str = ""
    csrf: str = ""


@page(RETENTION, MANAGE)
def retention_page(request: WebRequest) -> Response[str]:
    return _retention(request)


@form(f"{RETENTION}/days", MANAGE)
def set_days(request: WebRequest, data: Sent[DaysForm]) -> Response[str]:
    """A time that would remove something is shown what first."""
    check_form(request, data.csrf)
    by, rules = by_of(request), installation_of(request).retention
    try:
        days = _days(data.days)
        preview = rules.preview(by.workspace, days)
        if not preview.is_empty and data.confirmed != data.days:
            return _retention(request, days=data.days, preview=preview)
        rules.set_days(by, days)
    except Problem as problem:
        return _retention(request, problem, days=data.days)
    return done(RETENTION, "retention")


@form(f"{RETENTION}/undelivered", MANAGE)
def let_undelivered_go(request: WebRequest, data: Sent[UndeliveredForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, rules = by_of(request), installation_of(request).retention
    problem = attempt(lambda: rules.let_undelivered_go(by, bool(data.allowed)))
    return _retention(request, problem) if problem else done(RETENTION, "retention")


@form(f"{RETENTION}/holds", MANAGE)
def place_hold(request: WebRequest, data: Sent[HoldForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, holds = by_of(request), installation_of(request).holds
    problem = attempt(lambda: holds.place(by, data.name, data.query, data.reason))
    return _retention(request, problem, hold=data) if problem else done(RETENTION, "held")


@form(f"{RETENTION}/holds/{{id:str}}/release", MANAGE)
def release_hold(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    by, holds = by_of(request), installation_of(request).holds
    problem = attempt(lambda: holds.release(by, id))
    return _retention(request, problem) if problem else done(RETENTION, "released")


def _days(text: str) -> int | None:
    """Raises InvalidInput."""
    text = text.strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > 6:
        detail = "must be a number of days, or empty for ever"
        raise InvalidInput(f"The time {detail}", FieldError(detail, "/days"))
    return int(text)


def _retention(
    request: WebRequest,
    problem: Problem | None = None,
    *,
    days: str | None = None,
    preview: Preview | None = None,
    hold: HoldForm | None = None,
) -> Response[str]:
    workspace = session_of(request).workspace
    installation = installation_of(request)
    rule = installation.retention.get(workspace)
    return SETTINGS.page(
        request,
        "settings_retention.html",
        "Data retention",
        problem=problem,
        rule=rule,
        days=days if days is not None else str(rule.days or ""),
        preview=preview,
        holds=installation.holds.listed(workspace),
        hold=hold or HoldForm(),
    )


ROUTES = [retention_page, set_days, let_undelivered_go, place_hold, release_hold]
