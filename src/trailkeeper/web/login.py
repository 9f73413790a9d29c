"""Logging in and out."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from msgspec import Struct

from trailkeeper.connection import SESSION_COOKIE, context_of, cookie_name
from trailkeeper.web.render import go_to, render
from trailkeeper.web.security import (
    LOGIN_COOKIE,
    LoginForms,
    WebRequest,
    check_csrf,
    check_origin,
    drop_cookie,
    make_cookie,
)
from trailkeeper.web.services import LogInFailed, Throttled
from trailkeeper.web.session import (
    PUBLIC,
    SIGNED_IN,
    find_session,
    services_of,
    session_of,
)
from trailkeeper.web.urls import AUDIT, own_path

WRONG = "The e-mail address or the password is wrong."
STALE = "The form was open for too long, or cookies are blocked. Please log in again."


class LoginForm(Struct):
    email: str = ""
    password: str = ""
    next: str = ""
    form: str = ""


class LogoutForm(Struct):
    csrf: str = ""


LoginBody = Annotated[LoginForm, Body(media_type=RequestEncodingType.URL_ENCODED)]
LogoutBody = Annotated[LogoutForm, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/login", opt={"permission": PUBLIC}, sync_to_thread=True, include_in_schema=False)
def login_page(request: WebRequest) -> Response[str]:
    """The form, or straight on for who is logged in already."""
    path = own_path(request.query_params.get("next", AUDIT))
    if find_session(request):
        return go_to(path)
    return _form(request, LoginForm(next=path))


@post("/login", opt={"permission": PUBLIC}, sync_to_thread=True, include_in_schema=False)
def log_in(request: WebRequest, data: LoginBody) -> Response[str]:
    """Starts a session and goes on to the page that was asked for."""
    check_origin(request)
    services = services_of(request)
    cookie = request.cookies.get(cookie_name(request, LOGIN_COOKIE))
    data.next = own_path(data.next)
    if not LoginForms(services.secret_key).is_ours(cookie, data.form):
        return _form(request, data, problem=STALE, status=403)
    try:
        value, _session = services.sessions.log_in(
            data.email.strip(), data.password, context_of(request)
        )
    except LogInFailed:
        return _form(request, data, problem=WRONG, status=401)
    except Throttled as throttled:
        wait = throttled.retry_after_s
        unit = "second" if wait == 1 else "seconds"
        problem = f"Too many attempts. Try again in {wait} {unit}."
        return _form(request, data, problem=problem, status=429, retry_after_s=wait)
    cookies = [make_cookie(request, SESSION_COOKIE, value), drop_cookie(request, LOGIN_COOKIE)]
    return go_to(data.next, cookies=cookies)


@post("/logout", opt={"permission": SIGNED_IN}, sync_to_thread=True, include_in_schema=False)
def log_out(request: WebRequest, data: LogoutBody) -> Response[str]:
    """Ends the session here and on the server."""
    session = session_of(request)
    check_csrf(request, session.csrf, data.csrf)
    services_of(request).sessions.log_out(session, context_of(request, session))
    return go_to("/login", cookies=[drop_cookie(request, SESSION_COOKIE)])


def _form(
    request: WebRequest,
    data: LoginForm,
    *,
    problem: str = "",
    status: int = 200,
    retry_after_s: int | None = None,
) -> Response[str]:
    forms = LoginForms(services_of(request).secret_key)
    cookie = forms.cookie_value(request.cookies.get(cookie_name(request, LOGIN_COOKIE)))
    return render(
        request,
        "login.html",
        session=None,
        status=status,
        headers={"Retry-After": str(retry_after_s)} if retry_after_s is not None else None,
        cookies=[make_cookie(request, LOGIN_COOKIE, cookie)],
        email=data.email,
        next=data.next,
        problem=problem,
        form=forms.field(cookie),
    )
