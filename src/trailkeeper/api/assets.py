"""/api/v1/recipes, /api/v1/folders …: the assets. The routes are made from the table of kinds."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody
from msgspec import UNSET

from trailkeeper.api import asset_requests as requests
from trailkeeper.api.asset_operations import Asked, On, body_of
from trailkeeper.api.asset_requests import ApiRequest, Listing, wanted_revision
from trailkeeper.api.asset_views import (
    CHANGES,
    INPUTS,
    PAGES,
    VERSION_VIEWS,
    VIEWS,
    VersionList,
    asset_view,
    version_view,
)
from trailkeeper.api.auth import by_of, caller_of, holding
from trailkeeper.api.described import with_body
from trailkeeper.api.services import installation_of
from trailkeeper.assets.asset import Asset, Created
from trailkeeper.assets.kind import Kind, Operation
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.reads import PAGE_MAX
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.identity.privileges import Privilege

LIMIT_DEFAULT = 50

Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX)]


def _routes(kind: Kind) -> list[HTTPRouteHandler]:
    """The routes of a kind, each with the permission that its operation asks for."""
    does = kind.operations
    handlers = [_list(kind), _get(kind), _versions(kind), _version(kind)]
    if "create" in does:
        handlers.append(_create(kind, does["create"]))
    if change := does.get("update") or does.get("rename"):
        handlers.append(_change(kind, change))
    if "delete" in does:
        handlers.append(_delete(kind, does["delete"]))
    return handlers + [
        _operate(kind, operation, body)
        for operation in does.values()
        if (body := body_of(operation)) is not None
    ]


def _list(kind: Kind) -> HTTPRouteHandler:
    def list_assets(
        request: ApiRequest,
        q: Annotated[str | None, QueryParameter(description="Words of the name")] = None,
        in_state: Annotated[str | None, QueryParameter(name="state")] = None,
        folder_id: Annotated[
            str | None, QueryParameter(description="`home` is the root; for kinds in folders")
        ] = None,
        parent_id: Annotated[
            str | None, QueryParameter(description="For kinds that belong to another")
        ] = None,
        deleted: Annotated[
            str | None, QueryParameter(description="`true`: those that are deleted")
        ] = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: FromQuery[str | None] = None,
    ) -> Any:
        """In the order in which they were made."""
        # All parameters stand in the signature for OpenAPI; what they mean is read elsewhere.
        del q, in_state, folder_id, parent_id, deleted
        asked = requests.listing(request, kind)
        installation, workspace = installation_of(request), caller_of(request).workspace
        page = installation.registry.page(
            workspace,
            kind.name,
            folder=asked.folder,
            parent=asked.parent,
            q=asked.q,
            state=asked.state,
            deleted=asked.deleted,
            after=requests.position_of(installation.secret, workspace, asked, cursor),
            limit=limit,
            order="id",
        )
        following = requests.cursor_of(installation.secret, workspace, asked, page.next)
        return PAGES[kind.name]([asset_view(one) for one in page.assets], following)

    list_assets.__annotations__["return"] = PAGES[kind.name]
    return get(
        f"/{kind.path}", opt=_may(kind.view), sync_to_thread=True, summary=kind.plural,
    )(list_assets)  # fmt: skip


def _get(kind: Kind) -> HTTPRouteHandler:
    def get_asset(
        request: ApiRequest,
        id: FromPath[str],
        deleted: Annotated[
            str | None, QueryParameter(description="`true`: also one that is deleted")
        ] = None,
    ) -> Any:
        requests.known_parameters(request, "deleted")
        registry, workspace = installation_of(request).registry, caller_of(request).workspace
        del deleted
        is_shown = requests.flag(request, "deleted")
        return _answer(registry.get(workspace, kind.name, id, deleted=is_shown))

    get_asset.__annotations__["return"] = Response[VIEWS[kind.name]]
    return get(
        f"/{kind.path}/{{id:str}}",
        opt=_may(kind.view),
        sync_to_thread=True,
        summary=f"One {kind.noun}",
    )(get_asset)


def _create(kind: Kind, does: Operation) -> HTTPRouteHandler:
    def create_asset(request: ApiRequest, body: RawBody) -> Any:
        sent = requests.read_asset(body, kind)
        if sent.name is UNSET:
            raise InvalidInput("/name is missing", FieldError("is missing", "/name"))
        made = installation_of(request).registry.create(
            by_of(request),
            kind.name,
            sent.name,
            folder_id=None if sent.folder_id is UNSET else sent.folder_id,
            parent_id=None if sent.parent_id is UNSET else sent.parent_id,
            content=sent.content,
        )
        return _answer(made, 201)

    create_asset.__annotations__["return"] = Response[VIEWS[kind.name]]
    return post(
        f"/{kind.path}",
        opt=_may(does.privilege),
        sync_to_thread=True,
        operation_class=with_body(INPUTS[kind.name]),
        summary=f"{does.label} a {kind.noun}",
        description=f"Recorded as `{does.action}`.",
    )(create_asset)


def _change(kind: Kind, does: Operation) -> HTTPRouteHandler:
    def change_asset(request: ApiRequest, id: FromPath[str], body: RawBody) -> Any:
        sent = requests.read_asset(body, kind)
        for name in ("folder_id", "parent_id"):
            if getattr(sent, name) is not UNSET:
                detail = "cannot be changed so"
                if "move" in kind.operations:
                    detail += "; there is the operation `move`"
                raise InvalidInput(f"/{name} {detail}", FieldError(detail, f"/{name}"))
        changed = installation_of(request).registry.update(
            by_of(request),
            kind.name,
            id,
            name=None if sent.name is UNSET else sent.name,
            content=sent.content,
            revision=wanted_revision(request),
        )
        return _answer(changed)

    change_asset.__annotations__["return"] = Response[VIEWS[kind.name]]
    return patch(
        f"/{kind.path}/{{id:str}}",
        opt=_may(does.privilege),
        sync_to_thread=True,
        operation_class=with_body(CHANGES[kind.name]),
        summary=f"{does.label} a {kind.noun}",
        description=f"What is left out stays. Recorded as `{does.action}`, if it changes anything.",
    )(change_asset)


def _delete(kind: Kind, does: Operation) -> HTTPRouteHandler:
    is_asked = not kind.takes_contents

    def delete_asset(request: ApiRequest, id: FromPath[str]) -> None:
        requests.known_parameters(request, *(("recursive",) if is_asked else ()))
        installation_of(request).registry.delete(
            by_of(request),
            kind.name,
            id,
            recursive=requests.flag(request, "recursive"),
            revision=wanted_revision(request),
        )

    return delete(
        f"/{kind.path}/{{id:str}}",
        opt=_may(does.privilege),
        sync_to_thread=True,
        summary=f"{does.label} a {kind.noun}",
        description=f"Recorded as `{does.action}`. It can be undeleted for 30 days.",
    )(delete_asset)


def _operate(kind: Kind, does: Operation, body_type: type[Asked]) -> HTTPRouteHandler:
    status = 201 if does.name == "copy" else 200

    def operate(request: ApiRequest, id: FromPath[str], body: RawBody) -> Any:
        requests.known_parameters(request)
        asked = requests.read(body, body_type)
        on = On(
            registry=installation_of(request).registry,
            by=by_of(request),
            kind=kind.name,
            id=id,
            operation=does.name,
            revision=wanted_revision(request),
        )
        return _answer(asked.do(on), status)

    operate.__annotations__["return"] = Response[VIEWS[kind.name]]
    return post(
        f"/{kind.path}/{{id:str}}/{does.name}",
        opt=_may(does.privilege),
        sync_to_thread=True,
        status_code=status,
        operation_class=with_body(body_type),
        summary=f"{does.label}: {kind.noun}",
        description=f"Recorded as `{does.action}`.",
    )(operate)


def _versions(kind: Kind) -> HTTPRouteHandler:
    def list_versions(
        request: ApiRequest,
        id: FromPath[str],
        limit: Limit = LIMIT_DEFAULT,
        cursor: FromQuery[str | None] = None,
    ) -> VersionList:
        """Newest first, without their content."""
        requests.known_parameters(request, "limit", "cursor")
        installation, workspace = installation_of(request), caller_of(request).workspace
        asked = Listing(kind.name, q=id)
        before = requests.position_of(installation.secret, workspace, asked, cursor)
        found = installation.registry.versions(
            workspace, kind.name, id, before=before, limit=limit + 1
        )
        last = found[limit - 1].version if len(found) > limit else None
        return VersionList(
            [version_view(one) for one in found[:limit]],
            requests.cursor_of(installation.secret, workspace, asked, last),
        )

    return get(
        f"/{kind.path}/{{id:str}}/versions",
        opt=_may(kind.view),
        sync_to_thread=True,
        summary=f"Versions of a {kind.noun}",
    )(list_versions)


def _version(kind: Kind) -> HTTPRouteHandler:
    def get_version(request: ApiRequest, id: FromPath[str], number: FromPath[int]) -> Any:
        requests.known_parameters(request)
        registry, workspace = installation_of(request).registry, caller_of(request).workspace
        return version_view(registry.version(workspace, kind.name, id, number), kind)

    get_version.__annotations__["return"] = VERSION_VIEWS[kind.name]
    return get(
        f"/{kind.path}/{{id:str}}/versions/{{number:int}}",
        opt=_may(kind.view),
        sync_to_thread=True,
        summary=f"A version of a {kind.noun}",
    )(get_version)


def _may(privilege: Privilege) -> dict[str, Any]:
    return {"permission": holding(privilege)}


def _answer(one: Asset | Created, status: int = 200) -> Response[Any]:
    asset = one.asset if isinstance(one, Created) else one
    return Response(asset_view(one), status_code=status, headers={"ETag": asset.etag})


ROUTES: list[Any] = [handler for kind in KINDS.values() for handler in _routes(kind)]
