"""Account settings: name and address, password, second factor, sessions, API key."""

from __future__ import annotations

import segno
from litestar import Response
from msgspec import Struct

from trailkeeper.connection import SESSION_COOKIE, context_of
from trailkeeper.errors import Problem
from trailkeeper.identity.secrets import new_cookie
from trailkeeper.web.forms import Plain, Sent, attempt
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import ACCOUNT, check_form, done
from trailkeeper.web.security import WebRequest, make_cookie
from trailkeeper.web.session import SELF, SELF_ANYHOW, installation_of, session_of
from trailkeeper.web.user_agent import describe


class NameForm(Struct):
    name: str = ""
    csrf: str = ""


class EmailForm(Struct):
    email: str = ""
    password: str = ""
    csrf: str = ""


class PasswordForm(Struct):
    current: str = ""
    new: str = ""
    csrf: str = ""


class EnableForm(Struct):
    kept: str = ""
    code: str = ""
    password: str = ""
    csrf: str = ""


class PasskeyForm(Struct):
    name: str = ""
    password: str = ""
    kept: str = ""
    response: str = ""
    csrf: str = ""


class RemoveForm(Struct):
    id: str = ""
    password: str = ""
    csrf: str = ""


class ConfirmForm(Struct):
    password: str = ""
    csrf: str = ""


class SessionForm(Struct):
    id: str = ""
    csrf: str = ""


@page("/settings/account", SELF)
def profile_page(request: WebRequest) -> Response[str]:
    return _profile(request)


@form("/settings/account/name", SELF)
def rename(request: WebRequest, data: Sent[NameForm]) -> Response[str]:
    check_form(request, data.csrf)
    who, accounts = session_of(request), installation_of(request).accounts
    problem = attempt(lambda: accounts.rename(who, data.name, context_of(request, who)))
    return _profile(request, problem, name=data.name) if problem else done(PROFILE, "name")


@form("/settings/account/email", SELF)
def ask_email(request: WebRequest, data: Sent[EmailForm]) -> Response[str]:
    """The address changes once the link in the mail was followed."""
    check_form(request, data.csrf)
    who, accounts = session_of(request), installation_of(request).accounts
    context = context_of(request, who)
    problem = attempt(lambda: accounts.ask_email(who, data.email, data.password, context))
    if problem:
        return _profile(request, problem, email=data.email)
    return done(PROFILE, "email-asked")


PROFILE = "/settings/account"


def _profile(
    request: WebRequest,
    problem: Problem | None = None,
    name: str | None = None,
    email: str = "",
) -> Response[str]:
    who = session_of(request)
    return ACCOUNT.page(
        request,
        "account_profile.html",
        "Profile",
        problem=problem,
        name=who.name if name is None else name,
        email=email,
    )


@page("/settings/password", SELF)
def password_page(request: WebRequest) -> Response[str]:
    return ACCOUNT.page(request, "account_password.html", "Password")


@form("/settings/password", SELF)
def change_password(request: WebRequest, data: Sent[PasswordForm]) -> Response[str]:
    """All other sessions end, and this one goes on under a new cookie."""
    check_form(request, data.csrf)
    who, cookie = session_of(request), new_cookie()
    accounts, context = installation_of(request).accounts, context_of(request, who)
    problem = attempt(
        lambda: accounts.change_password(who, data.current, data.new, cookie, context)
    )
    if problem:
        return ACCOUNT.page(request, "account_password.html", "Password", problem=problem)
    cookies = [make_cookie(request, SESSION_COOKIE, cookie)]
    return done("/settings/password", "password", cookies=cookies)


TWO_FACTOR = "/settings/two-factor"


@page(TWO_FACTOR, SELF_ANYHOW)
def two_factor_page(request: WebRequest) -> Response[str]:
    """Where it is off: a new key to enable it with. Where it is on: what can be done with it."""
    return _two_factor(request)


@form(f"{TWO_FACTOR}/enable", SELF_ANYHOW)
def enable_two_factor(request: WebRequest, data: Sent[EnableForm]) -> Response[str]:
    """Shows the recovery codes, this once."""
    check_form(request, data.csrf)
    who, cookie = session_of(request), new_cookie()
    two_factor, context = installation_of(request).two_factor, context_of(request, who)
    try:
        codes = two_factor.enable(who, data.kept, data.code, data.password, cookie, context)
    except Problem as problem:
        return _two_factor(request, problem, kept=data.kept)
    return _codes(request, codes, cookie)


@form(f"{TWO_FACTOR}/disable", SELF)
def disable_two_factor(request: WebRequest, data: Sent[ConfirmForm]) -> Response[str]:
    check_form(request, data.csrf)
    who, cookie = session_of(request), new_cookie()
    two_factor, context = installation_of(request).two_factor, context_of(request, who)
    problem = attempt(lambda: two_factor.disable(who, data.password, cookie, context))
    if problem:
        return _two_factor(request, problem)
    cookies = [make_cookie(request, SESSION_COOKIE, cookie)]
    return done(TWO_FACTOR, "two-factor-off", cookies=cookies)


@form(f"{TWO_FACTOR}/codes", SELF)
def view_codes(request: WebRequest, data: Sent[ConfirmForm]) -> Response[str]:
    """A fresh set of recovery codes; the old ones end."""
    check_form(request, data.csrf)
    who = session_of(request)
    two_factor, context = installation_of(request).two_factor, context_of(request, who)
    try:
        codes = two_factor.view_codes(who, data.password, context)
    except Problem as problem:
        return _two_factor(request, problem)
    return _codes(request, codes)


@form(f"{TWO_FACTOR}/passkeys", SELF_ANYHOW)
def add_passkey(request: WebRequest, data: Sent[PasskeyForm]) -> Response[str]:
    """Shows recovery codes if it is the first second factor."""
    check_form(request, data.csrf)
    who, cookie = session_of(request), new_cookie()
    passkeys, context = installation_of(request).passkeys, context_of(request, who)
    try:
        codes = passkeys.add(
            who, data.kept, data.name, data.response, data.password, cookie, context
        )
    except Problem as problem:
        return _two_factor(request, problem)
    if codes:
        return _codes(request, codes, cookie)
    cookies = [make_cookie(request, SESSION_COOKIE, cookie)]
    return done(TWO_FACTOR, "passkey-added", cookies=cookies)


@form(f"{TWO_FACTOR}/passkeys/remove", SELF)
def remove_passkey(request: WebRequest, data: Sent[RemoveForm]) -> Response[str]:
    check_form(request, data.csrf)
    who, cookie = session_of(request), new_cookie()
    passkeys, context = installation_of(request).passkeys, context_of(request, who)
    problem = attempt(lambda: passkeys.remove(who, data.id, data.password, cookie, context))
    if problem:
        return _two_factor(request, problem)
    cookies = [make_cookie(request, SESSION_COOKIE, cookie)]
    return done(TWO_FACTOR, "passkey-removed", cookies=cookies)


def _codes(request: WebRequest, codes: list[str], cookie: str | None = None) -> Response[str]:
    return ACCOUNT.page(
        request,
        "account_codes.html",
        "Recovery codes",
        cookies=[make_cookie(request, SESSION_COOKIE, cookie)] if cookie else None,
        codes=codes,
        just_on=cookie is not None,
    )


def _two_factor(
    request: WebRequest, problem: Problem | None = None, *, kept: str = ""
) -> Response[str]:
    who, installation = session_of(request), installation_of(request)
    two_factor, passkeys = installation.two_factor, installation.passkeys
    try:
        key = two_factor.offered(who, kept) if kept else two_factor.new_key()
    except Problem:
        key = two_factor.new_key()
    qr = segno.make(two_factor.address(who, key), error="m")
    options, offered = passkeys.offer(who) if passkeys.usable else ("", "")
    return ACCOUNT.page(
        request,
        "account_two_factor.html",
        "Two-factor authentication",
        problem=problem,
        is_on=two_factor.is_enabled(who.user),
        has_app=two_factor.has_app(who.user),
        left=two_factor.codes_left(who.user),
        key=" ".join(key[at : at + 4] for at in range(0, len(key), 4)),
        qr=qr.svg_data_uri(scale=5, border=3, light="#fff"),
        kept=two_factor.keep(who, key),
        must=who.must_enable_two_factor,
        passkeys=passkeys.listed(who.user),
        passkey_options=options,
        passkey_kept=offered,
    )


SESSIONS = "/settings/sessions"


@page(SESSIONS, SELF)
def sessions_page(request: WebRequest) -> Response[str]:
    return _sessions(request)


@form(f"{SESSIONS}/end", SELF)
def end_sessions(request: WebRequest, data: Sent[SessionForm]) -> Response[str]:
    """Ends one other session, or all others."""
    check_form(request, data.csrf)
    who, sessions = session_of(request), installation_of(request).sessions
    context = context_of(request, who)
    problem = attempt(lambda: sessions.end_others(who, context, data.id or None))
    if problem:
        return _sessions(request, problem)
    return done(SESSIONS, "session" if data.id else "sessions")


def _sessions(request: WebRequest, problem: Problem | None = None) -> Response[str]:
    who = session_of(request)
    return ACCOUNT.page(
        request,
        "account_sessions.html",
        "Sessions",
        problem=problem,
        sessions=installation_of(request).sessions.open_sessions(who),
        describe=describe,
    )


API_KEY = "/settings/api-key"


@page(API_KEY, SELF)
def api_key_page(request: WebRequest) -> Response[str]:
    return _api_key(request)


@form(API_KEY, SELF)
def refresh_api_key(request: WebRequest, data: Sent[Plain]) -> Response[str]:
    """Shows the new key, this once; the old one dies at once."""
    check_form(request, data.csrf)
    who = session_of(request)
    made = installation_of(request).tokens.refresh_key(who, context_of(request, who))
    return _api_key(request, made.token)


def _api_key(request: WebRequest, fresh: str = "") -> Response[str]:
    key = installation_of(request).tokens.key_of(session_of(request))
    return ACCOUNT.page(request, "account_api_key.html", "API key", key=key, fresh=fresh)


ROUTES = [
    profile_page,
    rename,
    ask_email,
    password_page,
    change_password,
    two_factor_page,
    enable_two_factor,
    disable_two_factor,
    view_codes,
    add_passkey,
    remove_passkey,
    sessions_page,
    end_sessions,
    api_key_page,
    refresh_api_key,
]
