"""/api/v1: exports of manifests, files of packages, their imports, and previews of templates. What
is common to all assets, packages among them, stands in assets.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.params import FromPath, QueryParameter, RawBody
from msgspec import Struct

from trailkeeper.api import asset_requests as requests
from trailkeeper.api.asset_requests import ApiRequest
from trailkeeper.api.asset_views import VIEWS, asset_view
from trailkeeper.api.auth import by_of, caller_of, holding
from trailkeeper.api.described import with_body
from trailkeeper.api.services import installation_of
from trailkeeper.assets.asset import Asset
from trailkeeper.assets.imports import ImportState
from trailkeeper.assets.packages import Look
from trailkeeper.assets.templates import Preview, preview
from trailkeeper.assets.zip_reading import PACKED_MAX
from trailkeeper.errors import UnsupportedMediaType

LIFECYCLE = {"permission": holding("lifecycle.manage")}
TOOLS = {"permission": holding("tools.view")}
ZIP = "application/zip"
ZIPS = (ZIP, "application/x-zip-compressed", "application/octet-stream")
WAIT_MAX_S = 60
IMPORTS = "/package-imports"
PARAMETERS = ("folder_name", "folder_id", "file_name", "wait")

FolderName = Annotated[
    str | None, QueryParameter(description="The new folder's name; else that of the package")
]
FolderId = Annotated[
    str | None, QueryParameter(description="Where the new folder is made; else at the root")
]
FileName = Annotated[str | None, QueryParameter(description="What the file is called")]
Wait = Annotated[
    str | None, QueryParameter(description=f"`true`: wait up to {WAIT_MAX_S} s for the end")
]


class PreviewOf(Struct, frozen=True, forbid_unknown_fields=True):
    """What the template is rendered with."""

    data: dict[str, Any] = {}


@dataclass
class WithZip(Operation):
    """An operation whose body is a package's file."""

    def __post_init__(self) -> None:
        schema = Schema(content_media_type=ZIP, title="A package's file")
        self.request_body = RequestBody({ZIP: OpenAPIMediaType(schema=schema)}, required=True)


@post(
    "/manifests/{id:str}/export",
    opt=LIFECYCLE,
    sync_to_thread=True,
    responses={201: ResponseSpec(VIEWS["package"], description="The package")},
    summary="Export: manifest",
)
def export_manifest(request: ApiRequest, id: FromPath[str]) -> Response[Any]:
    """Put the assets that a manifest names into a package, without secrets. Recorded as
    `package.exported`."""
    requests.known_parameters(request)
    return _made(installation_of(request).packages.export(by_of(request), id))


@get(
    "/packages/{id:str}/download",
    opt=LIFECYCLE,
    sync_to_thread=True,
    media_type=ZIP,
    response_headers=[ResponseHeader(name="Content-Disposition", documentation_only=True)],
    summary="A package's file",
)
def download_package(request: ApiRequest, id: FromPath[str]) -> Response[bytes]:
    """A zip; the same bytes each time."""
    requests.known_parameters(request)
    name, raw = installation_of(request).packages.file(caller_of(request).workspace, id)
    headers = {
        "Content-Disposition": content_disposition(name),
        "X-Content-Type-Options": "nosniff",
    }
    return Response(raw, media_type=ZIP, headers=headers)


@post(
    "/packages/look",
    opt=LIFECYCLE,
    sync_to_thread=True,
    status_code=200,
    request_max_body_size=PACKED_MAX,
    operation_class=WithZip,
    summary="What an import would do",
)
def look_at_package(
    request: ApiRequest,
    body: RawBody,
    folder_name: FolderName = None,
    folder_id: FolderId = None,
) -> Look:
    """What would be made, what stands in the way, what is missing, and which secrets are to be set
    again. It changes nothing."""
    requests.known_parameters(request, "folder_name", "folder_id")
    _check_media_type(request)
    packages = installation_of(request).packages
    return packages.look(by_of(request), body, folder_name, folder_id)


@post(
    "/packages/import",
    opt=LIFECYCLE,
    sync_to_thread=True,
    status_code=202,
    request_max_body_size=PACKED_MAX,
    operation_class=WithZip,
    responses={
        201: ResponseSpec(VIEWS["package"], description="The package, once it is imported"),
        202: ResponseSpec(ImportState, description="The import has begun"),
    },
    summary="Import a package",
)
def import_package(
    request: ApiRequest,
    body: RawBody,
    folder_name: FolderName = None,
    folder_id: FolderId = None,
    file_name: FileName = None,
    wait: Wait = None,
) -> Response[Any]:
    """Make all that a package holds in a new folder, or nothing. The file is checked at once; the
    import goes on after the answer, unless it is waited for. Recorded as `package.imported`, and
    each asset by itself."""
    del wait
    requests.known_parameters(request, *PARAMETERS)
    return _import(request, body, folder_name, folder_id, file_name)


@post(
    "/folders/{id:str}/import",
    opt=LIFECYCLE,
    sync_to_thread=True,
    status_code=202,
    request_max_body_size=PACKED_MAX,
    operation_class=WithZip,
    responses={
        201: ResponseSpec(VIEWS["package"], description="The package, once it is imported"),
        202: ResponseSpec(ImportState, description="The import has begun"),
    },
    summary="Import a package into a folder",
)
def import_into_folder(
    request: ApiRequest,
    id: FromPath[str],
    body: RawBody,
    folder_name: FolderName = None,
    file_name: FileName = None,
    wait: Wait = None,
) -> Response[Any]:
    """The same, into a new folder in this one."""
    del wait
    requests.known_parameters(request, "folder_name", "file_name", "wait")
    return _import(request, body, folder_name, id, file_name)


@get(f"{IMPORTS}/{{id:str}}", opt=LIFECYCLE, sync_to_thread=True, summary="How far an import is")
def get_import(request: ApiRequest, id: FromPath[str]) -> ImportState:
    """`running`, `done` with the id of the package, or `failed` with the problem. It is known for
    an hour after its end, unless the server is started again."""
    requests.known_parameters(request)
    return installation_of(request).imports.find(caller_of(request).workspace, id)


@post(
    "/message-templates/{id:str}/preview",
    opt=TOOLS,
    sync_to_thread=True,
    status_code=200,
    operation_class=with_body(PreviewOf),
    summary="Preview of a message template",
)
def preview_template(request: ApiRequest, id: FromPath[str], body: RawBody) -> Preview:
    """Subject and body, rendered with data, as text: who shows it in a page must escape it. Time,
    memory and length are limited."""
    requests.known_parameters(request)
    asked = requests.read(body, PreviewOf)
    registry, workspace = installation_of(request).registry, caller_of(request).workspace
    content = registry.get(workspace, "message_template", id).content
    return preview(content.subject, content.body, asked.data)


def content_disposition(name: str) -> str:
    """The header for a download under this name, whatever is in it (RFC 6266)."""
    plain = "".join(
        char if char.isascii() and (char.isalnum() or char in "-_. ()") else "_" for char in name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _import(
    request: ApiRequest,
    raw: bytes,
    folder_name: str | None,
    folder_id: str | None,
    file_name: str | None,
) -> Response[Any]:
    _check_media_type(request)
    is_waiting = requests.flag(request, "wait")
    by = by_of(request)
    imports = installation_of(request).imports
    begun = imports.start(by, raw, folder_name, folder_id, file_name=file_name)
    if is_waiting and (made := imports.wait(by.workspace, begun.id, WAIT_MAX_S)):
        return _made(made)
    state = imports.find(by.workspace, begun.id)
    address = f"/api/v1{IMPORTS}/{begun.id}"
    return Response(state, status_code=202, headers={"Location": address})


def _check_media_type(request: ApiRequest) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ZIPS:
        raise UnsupportedMediaType(f"The content type is {kind[:60] or 'none'}; send {ZIP}")


def _made(package: Asset) -> Response[Any]:
    return Response(
        asset_view(package),
        status_code=201,
        headers={"ETag": package.etag, "Location": f"/api/v1/packages/{package.id}"},
    )


ROUTES: list[Any] = [
    export_manifest,
    download_package,
    look_at_package,
    import_package,
    import_into_folder,
    get_import,
    preview_template,
]
