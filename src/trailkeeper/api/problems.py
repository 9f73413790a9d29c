"""Exceptions as problem documents (RFC 9457)."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from trailkeeper.api.auth import by_of
from trailkeeper.api.services import ApiServices
from trailkeeper.errors import PROBLEMS, FieldError, InvalidParameter, NotFound, Problem

PROBLEM_JSON = "application/problem+json"

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]
_BY_STATUS = {kind.status: kind for kind in reversed(PROBLEMS)}


def problem_response(problem: Problem) -> Response[bytes]:
    """The answer that a problem means."""
    headers: dict[str, str] = {}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="trailkeeper"'
    return Response(
        msgspec.json.encode(problem.document()),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers=headers,
    )


def as_problem(error: Exception) -> Problem:
    """The problem of any exception; what is not foreseen is logged and told without its text."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationException):
        extra: list[dict[str, Any]] = error.extra if isinstance(error.extra, list) else []
        errors = [
            FieldError(str(item.get("message", "is not valid")), parameter=str(item.get("key", "")))
            for item in extra
        ]
        named = "; ".join(f"`{one.parameter}` {one.detail}" for one in errors)
        return InvalidParameter(named or error.detail, *errors)
    if isinstance(error, HTTPException):
        kind = _BY_STATUS.get(error.status_code, Problem)
        if kind is not Problem:
            return kind(error.detail)
    log.exception("a request failed", exc_info=error)
    return Problem("The server could not do this; its log says why")


def handle(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Litestar's exception handler for the API. That somebody wanted to change what is not there
    for them is recorded."""
    problem = as_problem(error)
    changing = request.method not in ("GET", "HEAD", "OPTIONS")
    if changing and isinstance(problem, NotFound) and "caller" in request.scope["state"]:
        services: ApiServices = request.app.state["api"]
        services.access.record_missed(by_of(request), request.url.path)
    return problem_response(problem)
