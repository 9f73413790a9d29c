"""/api/v1/actions: the actions that a workspace declares; /api/v1/workspace: its settings."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get, patch, put
from litestar.datastructures import State
from litestar.params import FromPath, RawBody
from msgspec import Struct

from trailkeeper.api.auth import ADMIN, caller_of
from trailkeeper.catalogue import catalogue
from trailkeeper.catalogue.details import CustomAction
from trailkeeper.connection import context_of
from trailkeeper.errors import FieldError, InvalidActivity, MalformedBody

ApiRequest = Request[Any, Any, State]


class DeclaredActions(Struct, frozen=True):
    """The latest version of each."""

    data: list[CustomAction]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """`strict_actions`: refuse actions that neither the catalogue nor the workspace knows."""

    strict_actions: bool


_decode_settings = msgspec.json.Decoder(Settings).decode


@get("/actions", opt={"permission": ADMIN}, sync_to_thread=True, summary="Declared actions")
def list_actions(request: ApiRequest) -> DeclaredActions:
    """The actions that this workspace declared, besides those of the catalogue."""
    return DeclaredActions(request.app.state["api"].actions.declared(caller_of(request).workspace))


@put(
    "/actions/{name:str}",
    opt={"permission": ADMIN},
    sync_to_thread=True,
    status_code=200,
    summary="Declare an action",
)
def declare_action(request: ApiRequest, name: FromPath[str], body: RawBody) -> CustomAction:
    """Declare an action of the workspace's own, or a new version of it.

    The body is a declaration without `name` and `version`: label, sentence, icon, target_type,
    and `schema`, a JSON Schema 2020-12 for `details`.
    """
    if catalogue().get(name):
        detail = f"`{name[:128]}` is an action of the catalogue; choose another name"
        raise InvalidActivity(detail, FieldError(detail, "/name"))
    try:
        given = msgspec.json.decode(body, type=dict[str, Any])
        action = msgspec.convert({**given, "name": name, "version": 1}, CustomAction)
    except msgspec.ValidationError as error:
        raise InvalidActivity(f"The declaration is not valid: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"The body is not valid JSON: {error}") from None
    caller = caller_of(request)
    return request.app.state["api"].actions.declare(
        caller.workspace, action, caller.actor, context_of(request)
    )


@get("/workspace", opt={"permission": ADMIN}, sync_to_thread=True, summary="Workspace settings")
def get_settings(request: ApiRequest) -> Settings:
    """The settings of the token's workspace."""
    return Settings(request.app.state["api"].actions.is_strict(caller_of(request).workspace))


@patch("/workspace", opt={"permission": ADMIN}, sync_to_thread=True, summary="Change settings")
def change_settings(request: ApiRequest, body: RawBody) -> Settings:
    """Change the settings of the token's workspace; a change is recorded."""
    try:
        settings = _decode_settings(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody(f"The settings cannot be read: {error}") from None
    caller = caller_of(request)
    request.app.state["api"].actions.set_strict(
        caller.workspace, settings.strict_actions, caller.actor, context_of(request)
    )
    return settings
