"""/api/v1/settings: the workspace's settings; /api/v1/api-clients: its machine access."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from msgspec import Meta, Struct

from trailkeeper.activity import now_us, rfc3339
from trailkeeper.api.auth import ADMIN, OWN_ACCOUNT, by_of, caller_of, holding
from trailkeeper.api.json_body import read
from trailkeeper.api.services import installation_of
from trailkeeper.identity.tokens import ApiClient, NewToken, Scope
from trailkeeper.team.notifications import NotificationSettings
from trailkeeper.team.sso_settings import SsoInput, SsoSettings

ApiRequest = Request[Any, Any, State]
SETTINGS = {"permission": holding("settings.manage")}
CLIENTS = {"permission": holding("api_clients.manage")}


class JobsInput(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays."""

    emails: list[str] | None = None
    throttling: bool | None = None


class SignInView(Struct, frozen=True, forbid_unknown_fields=True):
    require_two_factor: bool


class ClientInput(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    scopes: list[Scope]
    expires_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None


class ClientView(Struct, frozen=True):
    """`state` is `valid`, `expired` or `revoked`."""

    id: str
    name: str
    scopes: list[str]
    state: str
    created_at: str
    expires_at: str | None
    last_used_at: str | None


class ClientList(Struct, frozen=True):
    data: list[ClientView]


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    email: str


class DelegatedAdminView(Struct, frozen=True):
    id: str
    name: str
    email: str
    has_password: bool
    since: str


class DelegatedAdminList(Struct, frozen=True):
    data: list[DelegatedAdminView]


@get("/settings/jobs", opt=SETTINGS, sync_to_thread=True, summary="Error notifications")
def get_jobs(request: ApiRequest) -> NotificationSettings:
    """Who is told of failures."""
    return installation_of(request).notifications.settings(caller_of(request).workspace)


@patch("/settings/jobs", opt=SETTINGS, sync_to_thread=True, summary="Change error notifications")
def change_jobs(request: ApiRequest, body: RawBody) -> NotificationSettings:
    """Recorded as `error_notifications.emails_updated` and `…throttling_toggled`."""
    asked, notifications = read(body, JobsInput), installation_of(request).notifications
    if asked.emails is not None:
        notifications.set_emails(by_of(request), asked.emails)
    if asked.throttling is not None:
        notifications.set_throttling(by_of(request), asked.throttling)
    return notifications.settings(caller_of(request).workspace)


@get("/settings/sign-in", opt=SETTINGS, sync_to_thread=True, summary="Rules for signing in")
def get_sign_in(request: ApiRequest) -> SignInView:
    """Whether every collaborator needs two-factor authentication."""
    sign_in = installation_of(request).sign_in
    return SignInView(sign_in.requires_two_factor(caller_of(request).workspace))


@patch("/settings/sign-in", opt=SETTINGS, sync_to_thread=True, summary="Change those rules")
def change_sign_in(request: ApiRequest, body: RawBody) -> SignInView:
    """Recorded as `workspace.settings_updated`."""
    asked = read(body, SignInView)
    installation_of(request).sign_in.require_two_factor(by_of(request), asked.require_two_factor)
    return asked


@get("/settings/single-sign-on", opt=SETTINGS, sync_to_thread=True, summary="Single sign-on")
def get_sso(request: ApiRequest) -> SsoSettings:
    """Of the client's secret, only whether it is kept."""
    return installation_of(request).sso.settings(caller_of(request).workspace)


@put(
    "/settings/single-sign-on",
    opt={"permission": OWN_ACCOUNT},
    sync_to_thread=True,
    summary="Change single sign-on",
)
def change_sso(request: ApiRequest, body: RawBody) -> SsoSettings:
    """By the owner's own API key only. Recorded as `sso.settings_updated`."""
    sso, by = installation_of(request).sso, by_of(request)
    sso.update(by, read(body, SsoInput))
    return sso.settings(by.workspace)


@get("/api-clients", opt=CLIENTS, sync_to_thread=True, summary="API clients")
def list_clients(request: ApiRequest) -> ClientList:
    """Newest first."""
    found = installation_of(request).tokens.listed(caller_of(request).workspace)
    return ClientList([_client_view(one) for one in found])


@post("/api-clients", opt=CLIENTS, sync_to_thread=True, summary="Make an API client")
def create_client(request: ApiRequest, body: RawBody) -> NewToken:
    """Its token is answered this once. Nobody gives more than they may do themselves."""
    asked = read(body, ClientInput)
    ends = now_us() + asked.expires_days * 86_400_000_000 if asked.expires_days else None
    tokens = installation_of(request).tokens
    return tokens.create(by_of(request), asked.name, list(asked.scopes), ends)


@post("/api-clients/{id:str}/rotate", opt=CLIENTS, sync_to_thread=True, summary="Rotate")
def rotate_client(request: ApiRequest, id: FromPath[str]) -> NewToken:
    """The old token is refused at once."""
    return installation_of(request).tokens.rotate(by_of(request), id)


@delete("/api-clients/{id:str}", opt=CLIENTS, sync_to_thread=True, summary="Revoke an API client")
def revoke_client(request: ApiRequest, id: FromPath[str]) -> None:
    """At once and for good."""
    installation_of(request).tokens.revoke(by_of(request), id)


@get("/settings/delegated-admins", opt={"permission": ADMIN}, sync_to_thread=True, summary="Who")
def list_delegated(request: ApiRequest) -> DelegatedAdminList:
    """Who may act for the owner."""
    found = installation_of(request).delegation.admins(caller_of(request).workspace)
    return DelegatedAdminList(
        [
            DelegatedAdminView(one.id, one.name, one.email, one.has_password, rfc3339(one.since))
            for one in found
        ]
    )


@post(
    "/settings/delegated-admins",
    opt={"permission": OWN_ACCOUNT},
    sync_to_thread=True,
    status_code=204,
    summary="Add a delegated administrator",
)
def add_delegated(request: ApiRequest, body: RawBody) -> None:
    """By the owner's own API key only. Recorded as `delegated_admin.added`."""
    installation_of(request).delegation.add(by_of(request), read(body, Person).email)


@delete(
    "/settings/delegated-admins/{id:str}",
    opt={"permission": OWN_ACCOUNT},
    sync_to_thread=True,
    summary="Remove a delegated administrator",
)
def remove_delegated(request: ApiRequest, id: FromPath[str]) -> None:
    """By the owner's own API key only. Recorded as `delegated_admin.removed`."""
    installation_of(request).delegation.remove(by_of(request), id)


def _client_view(client: ApiClient) -> ClientView:
    return ClientView(
        id=client.id,
        name=client.name,
        scopes=client.scopes,
        state=client.state,
        created_at=rfc3339(client.created_at),
        expires_at=rfc3339(client.expires_at) if client.expires_at else None,
        last_used_at=rfc3339(client.last_used_at) if client.last_used_at else None,
    )


ROUTES: list[Any] = [
    get_jobs,
    change_jobs,
    get_sign_in,
    change_sign_in,
    get_sso,
    change_sso,
    list_clients,
    create_client,
    rotate_client,
    revoke_client,
    list_delegated,
    add_delegated,
    remove_delegated,
]
