"""The part of Workato's own API that its public tools call: /api/recipes, /api/connections,
/api/folders and /api/users/me, in Workato's form.

What Trailkeeper does not know, because it runs no recipes, is null, empty or zero.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import msgspec
from litestar import Request, get, put
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody
from msgspec import Struct

from trailkeeper.activity import rfc3339
from trailkeeper.api.auth import by_of, caller_of, holding
from trailkeeper.api.services import installation_of
from trailkeeper.assets.asset import ALL, Asset
from trailkeeper.assets.kinds import KINDS

ApiRequest = Request[Any, Any, State]

PER_PAGE_MAX = 100
HOME_ID = 0
"""The id of the root folder: Workato's clients want a number."""

Page = Annotated[int, QueryParameter(ge=1, le=1_000_000)]
PerPage = Annotated[int, QueryParameter(ge=1, le=PER_PAGE_MAX)]


class WorkatoRecipe(Struct, frozen=True, kw_only=True):
    """`code` is the recipe's code as JSON text."""

    id: int
    user_id: int = 0
    name: str
    description: str
    folder_id: int
    running: bool
    version_no: int
    code: str
    created_at: str
    updated_at: str
    author_name: str
    version_author_name: str
    version_author_email: str = ""
    version_comment: str | None = None
    copy_count: int = 0
    trigger_application: str | None = None
    action_applications: list[str] = []
    applications: list[str] = []
    parameters_schema: list[Any] = []
    parameters: dict[str, Any] = {}
    config: list[Any] = []
    webhook_url: str | None = None
    trigger_closure: str | None = None
    job_succeeded_count: int = 0
    job_failed_count: int = 0
    lifetime_task_count: int = 0
    last_run_at: str | None = None
    stopped_at: str | None = None
    stop_cause: str | None = None
    tags: list[str] = []


class WorkatoRecipes(Struct, frozen=True):
    items: list[WorkatoRecipe]


class WorkatoConnection(Struct, frozen=True, kw_only=True):
    """`authorization_status` is `success` where it is connected, else null."""

    id: int
    name: str
    description: str | None
    application: str
    provider: str
    folder_id: int
    authorization_status: str | None
    authorized_at: str | None
    created_at: str
    updated_at: str
    authorization_error: str | None = None
    connection_lost_at: str | None = None
    connection_lost_reason: str | None = None
    external_id: str | None = None
    parent_id: int | None = None
    tags: list[str] = []


class WorkatoFolder(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    parent_id: int
    created_at: str
    updated_at: str
    is_project: bool = False
    project_id: int | None = None


class WorkatoUser(Struct, frozen=True, kw_only=True):
    """Who calls: a member by their own API key, or an API client. `id` is a number made of the
    actor's id."""

    id: int
    name: str
    email: str | None
    company_name: str
    created_at: str | None = None
    plan_id: str | None = None
    current_billing_period_start: str | None = None
    current_billing_period_end: str | None = None
    recipes_count: int
    active_recipes_count: int
    location: str | None = None
    last_seen: str | None = None
    root_folder_id: int = HOME_ID


class Done(Struct, frozen=True):
    success: bool = True


@get(
    "/recipes",
    opt={"permission": holding(KINDS["recipe"].view)},
    sync_to_thread=True,
    summary="Recipes, as Workato lists them",
)
def list_recipes(
    request: ApiRequest,
    page: Page = 1,
    per_page: PerPage = PER_PAGE_MAX,
    folder_id: FromQuery[int | None] = None,
    running: FromQuery[bool | None] = None,
) -> WorkatoRecipes:
    """Other parameters of Workato's are not looked at."""
    state = "" if running is None else "running" if running else "stopped"
    found = _page(request, "recipe", page, per_page, folder_id, state)
    return WorkatoRecipes([_recipe(one) for one in found])


def _operate(operation: str) -> HTTPRouteHandler:
    does = KINDS["recipe"].operations[operation]

    def operate(request: ApiRequest, id: FromPath[int], body: RawBody) -> Done:
        del body
        installation_of(request).registry.transition(by_of(request), "recipe", str(id), operation)
        return Done()

    return put(
        f"/recipes/{{id:int}}/{operation}",
        opt={"permission": holding(does.privilege)},
        sync_to_thread=True,
        summary=f"{does.label} a recipe",
        description=f"Recorded as `{does.action}`.",
    )(operate)


@get(
    "/connections",
    opt={"permission": holding(KINDS["connection"].view)},
    sync_to_thread=True,
    summary="Connections, as Workato lists them",
)
def list_connections(
    request: ApiRequest,
    page: Page = 1,
    per_page: PerPage = PER_PAGE_MAX,
    folder_id: FromQuery[int | None] = None,
) -> list[WorkatoConnection]:
    found = _page(request, "connection", page, per_page, folder_id)
    return [_connection(one) for one in found]


@get(
    "/folders",
    opt={"permission": holding(KINDS["folder"].view)},
    sync_to_thread=True,
    summary="Folders, as Workato lists them",
)
def list_folders(
    request: ApiRequest,
    page: Page = 1,
    per_page: PerPage = PER_PAGE_MAX,
    parent_id: FromQuery[int | None] = None,
) -> list[WorkatoFolder]:
    """Those in the folder `parent_id`, 0 for the root; without it all."""
    found = _page(request, "folder", page, per_page, parent_id)
    return [_folder(one) for one in found]


@get(
    "/users/me",
    opt={"permission": holding(KINDS["recipe"].view)},
    sync_to_thread=True,
    summary="Who calls, as Workato tells it",
)
def get_me(request: ApiRequest) -> WorkatoUser:
    caller, installation = caller_of(request), installation_of(request)
    recipes = installation.registry.states(caller.workspace, "recipe")
    return WorkatoUser(
        id=_number_of(caller.actor.id),
        name=caller.actor.name or "",
        email=caller.actor.email,
        company_name=installation.workspaces.name(caller.workspace),
        recipes_count=sum(recipes.values()),
        active_recipes_count=recipes.get("running", 0),
    )


def _page(
    request: ApiRequest, kind: str, page: int, per_page: int, folder: int | None, state: str = ""
) -> list[Asset]:
    place = ALL if folder is None else None if folder == HOME_ID else str(folder)
    registry, workspace = installation_of(request).registry, caller_of(request).workspace
    found = registry.page(
        workspace,
        kind,
        folder=place,
        state=state,
        limit=per_page,
        offset=(page - 1) * per_page,
        order="id",
    )
    return found.assets


def _recipe(one: Asset) -> WorkatoRecipe:
    author = one.created_by or ""
    return WorkatoRecipe(
        **_common(one),
        description=one.content.description,
        folder_id=_number(one.folder_id),
        running=one.state == "running",
        version_no=one.version,
        code=msgspec.json.encode(one.content.code).decode(),
        author_name=author,
        version_author_name=author,
    )


def _connection(one: Asset) -> WorkatoConnection:
    is_connected = one.state == "connected"
    return WorkatoConnection(
        **_common(one),
        description=one.content.description or None,
        application=one.content.provider,
        provider=one.content.provider,
        folder_id=_number(one.folder_id),
        authorization_status="success" if is_connected else None,
        authorized_at=rfc3339(one.updated_at) if is_connected else None,
    )


def _folder(one: Asset) -> WorkatoFolder:
    return WorkatoFolder(**_common(one), parent_id=_number(one.folder_id))


def _common(one: Asset) -> dict[str, Any]:
    return {
        "id": int(one.id),
        "name": one.name,
        "created_at": rfc3339(one.created_at),
        "updated_at": rfc3339(one.updated_at),
    }


def _number(folder_id: str | None) -> int:
    return HOME_ID if folder_id is None else int(folder_id)


def _number_of(id: str) -> int:
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=6).digest())


ROUTES: list[Any] = [
    list_recipes,
    _operate("start"),
    _operate("stop"),
    list_connections,
    list_folders,
    get_me,
]
