"""Pages for what went wrong: what it was, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from trailkeeper.errors import Problem, QueueFull, StoreUnavailable
from trailkeeper.web.render import HTML, go_to, render
from trailkeeper.web.security import PAGE_HEADERS, ForeignRequest, WebRequest
from trailkeeper.web.services import SignedIn
from trailkeeper.web.session import VIEW_AUDIT, LogInNeeded, NotAllowed, SecondFactorNeeded

PageError = Callable[[WebRequest, Any], Response[str]]

_log = structlog.get_logger(__name__)


def log_in_needed(request: WebRequest, _error: LogInNeeded) -> Response[str]:
    """To the log-in page, and from there back to what was asked for."""
    asked = request.url.path
    if request.url.query:
        asked += f"?{request.url.query}"
    login = f"/login?{urlencode({'next': asked})}" if request.method == "GET" else "/login"
    if "hx-request" in request.headers:
        headers = {**PAGE_HEADERS, "HX-Redirect": login}
        return Response("", media_type=HTML, status_code=401, headers=headers)
    return go_to(login)


def second_factor_needed(_request: WebRequest, _error: SecondFactorNeeded) -> Response[str]:
    """To the page on which it is enabled."""
    return go_to("/settings/two-factor")


def not_allowed(request: WebRequest, error: NotAllowed) -> Response[str]:
    if error.permission == VIEW_AUDIT:
        return _page(
            request,
            403,
            "You may not see the audit log",
            "It is open to the owner of this workspace, to members with the role Admin and to "
            "roles with the privilege “See the activity audit log”. "
            "Ask one of them for access, or to look something up for you. "
            "That you asked is recorded in the log.",
            session=error.session,
        )
    return _page(
        request,
        403,
        "You may not do this",
        f"It needs: {error.permission.name}. Your role here is {error.session.role}. "
        "Ask the owner of this workspace or an Admin for it. "
        "That you asked is recorded in the log.",
        session=error.session,
    )


def foreign_request(request: WebRequest, error: ForeignRequest) -> Response[str]:
    return _page(request, 403, "This form was not accepted", error.detail)


def http_error(request: WebRequest, error: HTTPException) -> Response[str]:
    """Unknown pages, wrong methods, unreadable forms."""
    if error.status_code == 404:
        return not_found(request, error)
    if error.status_code >= 500:
        return server_error(request, error)
    if error.status_code == 413:
        return _page(
            request, 413, "That is too large", "Nothing was changed. Go back and send less at once."
        )
    return _page(
        request, error.status_code, "This request was not understood", "Go back and try again."
    )


def not_found(request: WebRequest, _error: Exception) -> Response[str]:
    return _page(
        request,
        404,
        "There is no such page",
        "The address may be mistyped, or the page may have moved.",
    )


def server_error(request: WebRequest, error: Exception) -> Response[str]:
    """What broke goes to the server's log, never to the page."""
    _log.error("page_failed", path=request.url.path, exc_info=error)
    return _page(
        request,
        500,
        "The page could not be made",
        "Something went wrong on the server; it is written to the server's log. "
        "Nothing that was recorded is lost. Try again in a moment.",
        retry=True,
    )


def problem_page(request: WebRequest, problem: Problem) -> Response[str]:
    """A problem that is about no field: what it is, and for some that it may be over soon."""
    busy = problem.status in (429, 503)
    page = _page(request, problem.status, problem.title, f"{problem.detail}.", retry=busy)
    if problem.retry_after_s is not None:
        page.headers["Retry-After"] = str(problem.retry_after_s)
    return page


PAGE_ERRORS: dict[int | type[Exception], PageError] = {
    LogInNeeded: log_in_needed,
    SecondFactorNeeded: second_factor_needed,
    NotAllowed: not_allowed,
    ForeignRequest: foreign_request,
    HTTPException: http_error,
    QueueFull: problem_page,
    StoreUnavailable: problem_page,
    Exception: server_error,
}


def _page(
    request: WebRequest,
    status: int,
    title: str,
    message: str,
    *,
    session: SignedIn | None = None,
    retry: bool = False,
) -> Response[str]:
    known = request.scope["state"].get("session")
    if session is None and isinstance(known, SignedIn):
        session = known
    return render(
        request,
        "error.html",
        session=session,
        status=status,
        title=title,
        message=message,
        retry=retry,
        code=status,
    )
