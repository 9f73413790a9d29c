"""/api/v1/account: a user's own account, by their own API key."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, get, patch, post, put
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from msgspec import Struct

from trailkeeper.activity import rfc3339
from trailkeeper.api.auth import OWN_ACCOUNT, person_of
from trailkeeper.api.json_body import read
from trailkeeper.api.services import installation_of
from trailkeeper.connection import context_of
from trailkeeper.identity.secrets import new_cookie
from trailkeeper.identity.tokens import NewToken

ApiRequest = Request[Any, Any, State]
OWN = {"permission": OWN_ACCOUNT}


class AccountView(Struct, frozen=True):
    """Whose API key it is, in the key's workspace."""

    id: str
    name: str
    email: str
    workspace_id: str
    workspace: str
    role: str
    privileges: list[str]
    two_factor: bool


class Rename(Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class ChangeEmail(Struct, frozen=True, forbid_unknown_fields=True):
    email: str
    password: str


class ChangePassword(Struct, frozen=True, forbid_unknown_fields=True):
    current: str
    new: str


class DelegatedPassword(Struct, frozen=True, forbid_unknown_fields=True):
    """`current` is the password one logs in with."""

    workspace_id: str
    current: str
    new: str


class Confirm(Struct, frozen=True, forbid_unknown_fields=True):
    password: str


class Offer(Struct, frozen=True):
    """A key for an authenticator app; `kept` is to be sent back with a code of it."""

    key: str
    uri: str
    kept: str


class Enable(Struct, frozen=True, forbid_unknown_fields=True):
    kept: str
    code: str
    password: str


class RecoveryCodes(Struct, frozen=True):
    """Shown this once."""

    recovery_codes: list[str]


class SessionView(Struct, frozen=True):
    id: str
    workspace: str
    created_at: str
    expires_at: str
    ip_address: str | None
    user_agent: str | None


class SessionList(Struct, frozen=True):
    data: list[SessionView]


class TeamView(Struct, frozen=True):
    id: str
    name: str
    role: str


class TeamList(Struct, frozen=True):
    data: list[TeamView]


class Ended(Struct, frozen=True):
    ended: int


@get("/account", opt=OWN, sync_to_thread=True, summary="One's own account")
def get_account(request: ApiRequest) -> AccountView:
    """Whose API key this is, and what it may do."""
    who = person_of(request)
    return AccountView(
        id=who.user_id,
        name=who.name,
        email=who.email,
        workspace_id=who.workspace_id,
        workspace=who.workspace_name,
        role=who.role,
        privileges=sorted(who.privileges),
        two_factor=installation_of(request).two_factor.is_enabled(who.user),
    )


@patch("/account", opt=OWN, sync_to_thread=True, status_code=204, summary="Change one's name")
def rename(request: ApiRequest, body: RawBody) -> None:
    """Recorded as `user.name_updated`."""
    asked = read(body, Rename)
    installation_of(request).accounts.rename(person_of(request), asked.name, context_of(request))


@post("/account/email", opt=OWN, sync_to_thread=True, status_code=202, summary="Change address")
def change_email(request: ApiRequest, body: RawBody) -> Response[None]:
    """A link is sent to the new address; the address changes once it is followed."""
    asked = read(body, ChangeEmail)
    installation_of(request).accounts.ask_email(
        person_of(request), asked.email, asked.password, context_of(request)
    )
    return Response(None, status_code=202)


@post("/account/password", opt=OWN, sync_to_thread=True, status_code=204, summary="New password")
def change_password(request: ApiRequest, body: RawBody) -> None:
    """All sessions of the user end. Recorded as `user.password_changed`."""
    asked = read(body, ChangePassword)
    installation_of(request).accounts.change_password(
        person_of(request), asked.current, asked.new, new_cookie(), context_of(request)
    )


@put(
    "/account/delegated-password",
    opt=OWN,
    sync_to_thread=True,
    status_code=204,
    summary="Set a delegated-admin password",
)
def set_delegated_password(request: ApiRequest, body: RawBody) -> None:
    """The password with which one acts for another account."""
    asked = read(body, DelegatedPassword)
    installation_of(request).delegation.set_password(
        person_of(request), asked.workspace_id, asked.current, asked.new, context_of(request)
    )


@post("/account/api-key", opt=OWN, sync_to_thread=True, summary="Refresh the API key")
def refresh_key(request: ApiRequest) -> NewToken:
    """The key that this was asked with is refused from now on."""
    return installation_of(request).tokens.refresh_key(person_of(request), context_of(request))


@post("/account/two-factor", opt=OWN, sync_to_thread=True, status_code=200, summary="Offer a key")
def offer_two_factor(request: ApiRequest) -> Offer:
    """A key to enable two-factor authentication with. Nothing changes yet."""
    who, two_factor = person_of(request), installation_of(request).two_factor
    key = two_factor.new_key()
    return Offer(key, two_factor.address(who, key), two_factor.keep(who, key))


@post("/account/two-factor/enable", opt=OWN, sync_to_thread=True, status_code=200, summary="Enable")
def enable_two_factor(request: ApiRequest, body: RawBody) -> RecoveryCodes:
    """Enable it with a code of the offered key. All sessions end."""
    asked = read(body, Enable)
    return RecoveryCodes(
        installation_of(request).two_factor.enable(
            person_of(request),
            asked.kept,
            asked.code,
            asked.password,
            new_cookie(),
            context_of(request),
        )
    )


@post("/account/two-factor/disable", opt=OWN, sync_to_thread=True, status_code=204, summary="Off")
def disable_two_factor(request: ApiRequest, body: RawBody) -> None:
    """Asks for the password."""
    asked = read(body, Confirm)
    installation_of(request).two_factor.disable(
        person_of(request), asked.password, new_cookie(), context_of(request)
    )


@post("/account/two-factor/codes", opt=OWN, sync_to_thread=True, status_code=200, summary="Codes")
def view_codes(request: ApiRequest, body: RawBody) -> RecoveryCodes:
    """A fresh set of recovery codes; the old ones end. Asks for the password."""
    asked = read(body, Confirm)
    return RecoveryCodes(
        installation_of(request).two_factor.view_codes(
            person_of(request), asked.password, context_of(request)
        )
    )


@get("/account/sessions", opt=OWN, sync_to_thread=True, summary="One's open sessions")
def list_sessions(request: ApiRequest) -> SessionList:
    """Where the user is logged in."""
    found = installation_of(request).sessions.open_sessions(person_of(request))
    return SessionList(
        [
            SessionView(
                one.id,
                one.workspace_name,
                rfc3339(one.created_at),
                rfc3339(one.expires_at),
                one.ip_address,
                one.user_agent,
            )
            for one in found
        ]
    )


@delete("/account/sessions", opt=OWN, sync_to_thread=True, status_code=200, summary="End them all")
def end_sessions(request: ApiRequest) -> Ended:
    """Log out everywhere."""
    sessions = installation_of(request).sessions
    return Ended(sessions.end_others(person_of(request), context_of(request)))


@delete("/account/sessions/{id:str}", opt=OWN, sync_to_thread=True, summary="End a session")
def end_session(request: ApiRequest, id: FromPath[str]) -> None:
    """One of the user's own."""
    installation_of(request).sessions.end_others(person_of(request), context_of(request), id)


@get("/account/teams", opt=OWN, sync_to_thread=True, summary="One's teams")
def list_teams(request: ApiRequest) -> TeamList:
    """The workspaces that the user belongs to; an API key is good for one of them."""
    found = installation_of(request).teams.of(person_of(request).user)
    return TeamList([TeamView(one.id, one.name, one.role) for one in found])


ROUTES: list[Any] = [
    get_account,
    rename,
    change_email,
    change_password,
    set_delegated_password,
    refresh_key,
    offer_two_factor,
    enable_two_factor,
    disable_two_factor,
    view_codes,
    list_sessions,
    end_sessions,
    end_session,
    list_teams,
]
