"""Forms outside a session: log-in, forgotten password, links from mails.

Without a session, a signed field and a cookie must belong together (LoginForms).
"""

from __future__ import annotations

from litestar import Response
from litestar.datastructures import Cookie

from trailkeeper.connection import cookie_name
from trailkeeper.errors import Problem
from trailkeeper.web.render import render
from trailkeeper.web.security import LOGIN_COOKIE, LoginForms, WebRequest, check_origin, make_cookie
from trailkeeper.web.session import services_of

STALE = "The form was open for too long, or cookies are blocked. Please try again."


def open_page(
    request: WebRequest,
    template: str,
    *,
    problem: Problem | str | None = None,
    status: int | None = None,
    cookies: list[Cookie] | None = None,
    done: str = "",
    **values: object,
) -> Response[str]:
    """A page with a form for anybody; its template extends door.html. After a problem it has the
    problem's status, and `errors` maps the names of fields to what is wrong with them."""
    forms = LoginForms(services_of(request).secret_key)
    cookie = forms.cookie_value(request.cookies.get(cookie_name(request, LOGIN_COOKIE)))
    errors: dict[str, str] = {}
    headers: dict[str, str] = {}
    text = problem if isinstance(problem, str) else ""
    if isinstance(problem, Problem):
        errors = {error.pointer.lstrip("/"): error.detail for error in problem.errors}
        text = problem.detail
        status = status or problem.status
        if problem.retry_after_s is not None:
            headers["Retry-After"] = str(problem.retry_after_s)
    return render(
        request,
        template,
        session=None,
        status=status or 200,
        headers=headers,
        cookies=[make_cookie(request, LOGIN_COOKIE, cookie), *(cookies or [])],
        form=forms.field(cookie),
        problem=text,
        done="" if text else done,
        errors=errors,
        **values,
    )


def is_ours(request: WebRequest, form: str) -> bool:
    """Whether a form came from a page of `open_page`. Raises ForeignRequest for what a browser
    says comes from another site."""
    check_origin(request)
    cookie = request.cookies.get(cookie_name(request, LOGIN_COOKIE))
    return LoginForms(services_of(request).secret_key).is_ours(cookie, form)
