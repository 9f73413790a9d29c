"""Settings, Archive: where closed days are kept, how that stands, and for how long."""

from __future__ import annotations

from litestar import Response

from trailkeeper.archive.archive import Archive, describe
from trailkeeper.archive.kinds import KINDS
from trailkeeper.errors import FieldError, InvalidInput, Problem
from trailkeeper.streaming.destination import Answer
from trailkeeper.streaming.field import fields_of
from trailkeeper.team.permissions import holds
from trailkeeper.web.forms import Plain, Sent, attempt
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import SETTINGS, check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, needs, session_of
from trailkeeper.web.streams.text import badge

ARCHIVE = "/settings/archive"
MANAGE = needs("the privilege to set up audit log streaming", holds("streams.manage"))
OWN_FIELDS = ("csrf", "destination", "keep_days")
UNITS = ("bytes", "KB", "MB", "GB", "TB")


@page(ARCHIVE, MANAGE)
def archive_page(request: WebRequest) -> Response[str]:
    return _archive(request)


@form(ARCHIVE, MANAGE)
def set_archive(request: WebRequest, data: Sent[dict[str, str]]) -> Response[str]:
    check_form(request, data.get("csrf", ""))
    by, archives = by_of(request), installation_of(request).archives
    kind = data.get("destination", "")
    given = {name: value for name, value in data.items() if name not in OWN_FIELDS}
    keep_days = data.get("keep_days", "")
    problem = attempt(lambda: archives.set(by, kind, given, _days(keep_days)))
    if problem:
        return _archive(request, problem, kind=kind, given=given, keep_days=keep_days)
    installation_of(request).archive_keeper.look()
    return done(ARCHIVE, "archive-set")


@form(f"{ARCHIVE}/test", MANAGE)
def test_archive(request: WebRequest, data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    found: list[Answer] = []
    archives = installation_of(request).archives
    problem = attempt(lambda: found.append(archives.test(by_of(request))))
    return _archive(request, problem, answer=found[0] if found else None)


@form(f"{ARCHIVE}/pause", MANAGE)
def pause_archive(request: WebRequest, data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    archives = installation_of(request).archives
    problem = attempt(lambda: archives.pause(by_of(request)))
    return _archive(request, problem) if problem else done(ARCHIVE, "archive-paused")


@form(f"{ARCHIVE}/resume", MANAGE)
def resume_archive(request: WebRequest, data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    archives = installation_of(request).archives
    problem = attempt(lambda: archives.resume(by_of(request)))
    if problem:
        return _archive(request, problem)
    installation_of(request).followers.look()
    return done(ARCHIVE, "archive-resumed")


@form(f"{ARCHIVE}/delete", MANAGE)
def delete_archive(request: WebRequest, data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    archives = installation_of(request).archives
    problem = attempt(lambda: archives.delete(by_of(request)))
    return _archive(request, problem) if problem else done(ARCHIVE, "archive-deleted")


def _days(text: str) -> int | None:
    """Raises InvalidInput."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        detail = "must be a number, or empty for ever"
        raise InvalidInput(f"The days to keep {detail}", FieldError(detail, "/keep_days"))
    return int(text)


def _archive(
    request: WebRequest,
    problem: Problem | None = None,
    *,
    kind: str = "",
    given: dict[str, str] | None = None,
    keep_days: str | None = None,
    answer: Answer | None = None,
) -> Response[str]:
    archives = installation_of(request).archives
    one = archives.find(session_of(request).workspace)
    standing = archives.standing(one) if one else None
    kinds = archives.kinds()
    kind = kind or request.query_params.get("kind", "") or _kind_of(one) or kinds[0].name
    kind = kind if kind in KINDS else kinds[0].name
    in_use = one.settings if one and one.destination == kind else {}
    kept_days = str(one.keep_days or "") if one else ""
    return SETTINGS.page(
        request,
        "settings_archive.html",
        "Archive",
        problem=problem,
        archive=one,
        where=describe(one) if one else "",
        badge=badge(standing.state) if standing else None,
        is_held=bool(standing and standing.state != "running"),
        place=standing.place if standing else None,
        totals=standing.totals if standing else None,
        waiting=standing.waiting if standing else 0,
        size=_size(standing.totals.bytes) if standing else "",
        kind=kind,
        kinds=[(each.name, each.label) for each in kinds],
        fields=fields_of(KINDS[kind].settings),
        values=given or in_use,
        kept=in_use,
        keep_days=kept_days if keep_days is None else keep_days,
        answer=answer,
    )


def _kind_of(one: Archive | None) -> str:
    return one.destination if one else ""


def _size(count: int) -> str:
    """For people: 1,234 bytes, 12.3 MB."""
    size, unit = float(count), UNITS[0]
    for unit in UNITS:  # noqa: B007 # the last one is used
        if size < 1_000:
            break
        size /= 1_000
    return f"{size:,.0f} {unit}" if unit == UNITS[0] else f"{size:,.1f} {unit}"


ROUTES = [
    archive_page,
    set_archive,
    test_archive,
    pause_archive,
    resume_archive,
    delete_archive,
]
