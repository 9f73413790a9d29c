"""Single sign-on: to the identity provider and back, and its settings."""

from __future__ import annotations

from litestar import Response
from litestar.datastructures import Cookie
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.connection import SESSION_COOKIE, context_of, cookie_name
from trailkeeper.errors import Problem
from trailkeeper.team.permissions import acts_as_self, is_owner
from trailkeeper.team.sso import ACS, CALLBACK
from trailkeeper.team.sso_settings import SsoInput
from trailkeeper.web.door import STALE, is_ours, open_page
from trailkeeper.web.forms import Sent, attempt
from trailkeeper.web.render import go_to
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import SETTINGS, check_form, done
from trailkeeper.web.security import WebRequest, drop_cookie, make_cookie
from trailkeeper.web.session import (
    PUBLIC,
    by_of,
    find_session,
    installation_of,
    needs,
    session_of,
)
from trailkeeper.web.urls import HOME, own_path

SSO_COOKIE = "trailkeeper_sso"
KEPT_MAX = 3_000
PAGE = "/settings/single-sign-on"
OWN = needs("to be the owner", is_owner, acts_as_self)
SAML_MAX = 256 * 1024
NO_RESPONSE = "There is no response of an identity provider in this form."
NONE_THERE = "There is no single sign-on for this address. Log in with your password."


class AskForm(Struct):
    email: str = ""
    next: str = ""
    form: str = ""


class SettingsForm(Struct):
    enabled: str = ""
    required: str = ""
    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    domains: str = ""
    kind: str = "oidc"
    sign_on_url: str = ""
    certificate: str = ""
    csrf: str = ""


class SamlForm(Struct, rename={"response": "SAMLResponse"}):
    """What a SAML provider sends by the browser; `form` comes from our own page."""

    response: str = ""
    form: str = ""


@page("/sso", PUBLIC)
def ask_page(request: WebRequest) -> Response[str]:
    """Asks for the address, by which the provider is found."""
    return _ask(request, AskForm(next=own_path(request.query_params.get("next", HOME))))


@form("/sso", PUBLIC)
def ask(request: WebRequest, data: Sent[AskForm]) -> Response[str]:
    """On to the provider, by a page: a form may not be answered with a redirect to another
    site."""
    data.next = own_path(data.next)
    if not is_ours(request, data.form):
        return _ask(request, data, STALE, 403)
    sso = installation_of(request).sso
    workspace_id = sso.workspace_for(data.email[:320])
    if workspace_id is None:
        return _ask(request, data, NONE_THERE, 422)
    try:
        address, kept = sso.start(workspace_id, data.next, data.email.strip()[:320])
    except Problem as problem:
        return _ask(request, data, problem)
    cookies = [make_cookie(request, SSO_COOKIE, kept)]
    return open_page(request, "sso_go.html", cookies=cookies, address=address)


@page("/sso/{id:str}", PUBLIC)
def go(request: WebRequest, id: FromPath[str]) -> Response[str]:
    """A team's own link: straight to its provider."""
    path = own_path(request.query_params.get("next", HOME))
    try:
        address, kept = installation_of(request).sso.start(id, path)
    except Problem as problem:
        return _ask(request, AskForm(next=path), problem)
    return go_to(address, cookies=[make_cookie(request, SSO_COOKIE, kept)])


@page(CALLBACK, PUBLIC)
def come_back(request: WebRequest) -> Response[str]:
    """From the provider, with its answer; what was kept is good for one answer."""
    answer = {name: value[:4_000] for name, value in request.query_params.items()}
    return _finish(request, answer)


@form(ACS, PUBLIC)
def assertion(request: WebRequest, data: Sent[SamlForm]) -> Response[str]:
    """From a SAML provider. A browser sends no cookies with another site's form, so that a page of
    ours sends it once more; only then it counts."""
    if not data.response or len(data.response) > SAML_MAX:
        return _ask(request, AskForm(next=HOME), NO_RESPONSE, 403)
    if not data.form:
        return open_page(request, "sso_back.html", action=ACS, response=data.response)
    if not is_ours(request, data.form):
        return _ask(request, AskForm(next=HOME), STALE, 403)
    return _finish(request, {"SAMLResponse": data.response})


def _finish(request: WebRequest, answer: dict[str, str]) -> Response[str]:
    kept = request.cookies.get(cookie_name(request, SSO_COOKIE), "")[:KEPT_MAX]
    dropped = drop_cookie(request, SSO_COOKIE)
    try:
        cookie, _, path = installation_of(request).sso.finish(kept, answer, context_of(request))
    except Problem as problem:
        return _ask(request, AskForm(next=HOME), problem, cookies=[dropped])
    cookies = [make_cookie(request, SESSION_COOKIE, cookie), dropped]
    return go_to(own_path(path), cookies=cookies)


def _ask(
    request: WebRequest,
    data: AskForm,
    problem: Problem | str | None = None,
    status: int | None = None,
    cookies: list[Cookie] | None = None,
) -> Response[str]:
    return open_page(
        request,
        "sso.html",
        problem=problem,
        status=status,
        cookies=cookies,
        email=data.email,
        next=data.next,
        signed_in=find_session(request) is not None,
    )


@page(PAGE, OWN)
def settings_page(request: WebRequest) -> Response[str]:
    return _settings(request)


@form(PAGE, OWN)
def change_settings(request: WebRequest, data: Sent[SettingsForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, sso = by_of(request), installation_of(request).sso
    asked = SsoInput(
        enabled=bool(data.enabled),
        required=bool(data.required),
        issuer=data.issuer,
        client_id=data.client_id,
        client_secret=data.client_secret,
        domains=data.domains.replace(",", " ").split(),
        kind="saml" if data.kind == "saml" else "oidc",
        sign_on_url=data.sign_on_url,
        certificate=data.certificate,
    )
    problem = attempt(lambda: sso.update(by, asked))
    return _settings(request, problem, asked) if problem else done(PAGE, "sso")


def _settings(
    request: WebRequest, problem: Problem | None = None, asked: SsoInput | None = None
) -> Response[str]:
    session, installation = session_of(request), installation_of(request)
    settings = installation.sso.settings(session.workspace)
    return SETTINGS.page(
        request,
        "settings_sso.html",
        "Single sign-on",
        problem=problem,
        settings=asked or settings,
        has_secret=settings.has_secret,
        enabled_now=settings.enabled,
        addresses=installation.sso.addresses,
        link=f"{installation.public_url}/sso/{session.workspace_id}",
    )


ROUTES = [ask_page, ask, go, come_back, assertion, settings_page, change_settings]
