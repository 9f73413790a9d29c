"""Logging in and out."""

from __future__ import annotations

from litestar import Response
from litestar.datastructures import Cookie
from msgspec import Struct

from trailkeeper.connection import SESSION_COOKIE, context_of, cookie_name
from trailkeeper.errors import Problem
from trailkeeper.web.door import STALE, is_ours, open_page
from trailkeeper.web.forms import Plain, Sent
from trailkeeper.web.render import go_to
from trailkeeper.web.routes import form, page
from trailkeeper.web.security import LOGIN_COOKIE, WebRequest, check_csrf, drop_cookie, make_cookie
from trailkeeper.web.services import (
    ChallengeEnded,
    CodeNeeded,
    LogInFailed,
    SsoNeeded,
    Throttled,
    WrongCode,
)
from trailkeeper.web.session import (
    PUBLIC,
    SIGNED_IN_ANYHOW,
    find_session,
    services_of,
    session_of,
)
from trailkeeper.web.urls import HOME, own_path

WRONG = "The e-mail address or the password is wrong."
CHALLENGE_COOKIE = "trailkeeper_challenge"
CHALLENGE_MAX = 1_000

DONE = {
    "joined": "You have joined. Log in through single sign-on, which this team asks for.",
    "reset": "Your password was changed. Log in with the new one.",
    "email": "Your e-mail address was changed. Log in with the new one.",
    "ended": "Log in to go on.",
}


class LoginForm(Struct):
    email: str = ""
    password: str = ""
    next: str = ""
    form: str = ""


class CodeForm(Struct):
    """`response` is a passkey's."""

    code: str = ""
    response: str = ""
    next: str = ""
    form: str = ""


@page("/login", PUBLIC)
def login_page(request: WebRequest) -> Response[str]:
    """The form, or straight on for who is logged in already."""
    path = own_path(request.query_params.get("next", HOME))
    if find_session(request):
        return go_to(path)
    return _form(request, LoginForm(next=path))


@form("/login", PUBLIC)
def log_in(request: WebRequest, data: Sent[LoginForm]) -> Response[str]:
    """Starts a session and goes on to the page that was asked for."""
    data.next = own_path(data.next)
    if not is_ours(request, data.form):
        return _form(request, data, problem=STALE, status=403)
    try:
        value, _session = services_of(request).log_in.with_password(
            data.email.strip(), data.password, context_of(request)
        )
    except LogInFailed:
        return _form(request, data, problem=WRONG, status=401)
    except Throttled as throttled:
        return _form(request, data, problem=_slow_down(throttled))
    except SsoNeeded as needed:
        return _form(request, data, problem=needed)
    except CodeNeeded as needed:
        cookies = [make_cookie(request, CHALLENGE_COOKIE, needed.challenge)]
        return _code_form(request, CodeForm(next=data.next), needed.challenge, cookies=cookies)
    return _entered(request, value, data.next)


@form("/login/code", PUBLIC)
def enter_code(request: WebRequest, data: Sent[CodeForm]) -> Response[str]:
    """The second step, with a code of the second factor."""
    data.next = own_path(data.next)
    if not is_ours(request, data.form):
        return _form(request, LoginForm(next=data.next), problem=STALE, status=403)
    challenge = request.cookies.get(cookie_name(request, CHALLENGE_COOKIE), "")[:CHALLENGE_MAX]
    log_in, context = services_of(request).log_in, context_of(request)
    try:
        if data.response:
            value, _session = log_in.with_passkey(challenge, data.response, context)
        else:
            value, _session = log_in.with_code(challenge, data.code, context)
    except WrongCode as wrong:
        return _code_form(request, data, challenge, problem=wrong)
    except Throttled as throttled:
        return _code_form(request, data, challenge, problem=_slow_down(throttled))
    except (ChallengeEnded, SsoNeeded) as ended:
        return _form(request, LoginForm(next=data.next), problem=ended)
    return _entered(request, value, data.next)


@form("/logout", SIGNED_IN_ANYHOW)
def log_out(request: WebRequest, data: Sent[Plain]) -> Response[str]:
    """Ends the session here and on the server."""
    session = session_of(request)
    check_csrf(request, session.csrf, data.csrf)
    services_of(request).sessions.log_out(session, context_of(request, session))
    return go_to("/login", cookies=[drop_cookie(request, SESSION_COOKIE)])


def _entered(request: WebRequest, cookie: str, path: str) -> Response[str]:
    return go_to(
        path,
        cookies=[
            make_cookie(request, SESSION_COOKIE, cookie),
            drop_cookie(request, LOGIN_COOKIE),
            drop_cookie(request, CHALLENGE_COOKIE),
        ],
    )


def _slow_down(throttled: Throttled) -> Throttled:
    wait = throttled.retry_after_s or 1
    unit = "second" if wait == 1 else "seconds"
    throttled.detail = f"Too many attempts. Try again in {wait} {unit}."
    return throttled


def _form(
    request: WebRequest,
    data: LoginForm,
    *,
    problem: Problem | str | None = None,
    status: int | None = None,
) -> Response[str]:
    done = DONE.get(request.query_params.get("done", ""), "")
    return open_page(
        request,
        "login.html",
        problem=problem,
        status=status,
        email=data.email,
        next=data.next,
        done=done,
    )


def _code_form(
    request: WebRequest,
    data: CodeForm,
    challenge: str,
    *,
    problem: Problem | None = None,
    cookies: list[Cookie] | None = None,
) -> Response[str]:
    return open_page(
        request,
        "login_code.html",
        problem=problem,
        cookies=cookies,
        next=data.next,
        passkey=services_of(request).log_in.passkey_options(challenge),
    )


ROUTES = [login_page, log_in, enter_code, log_out]
