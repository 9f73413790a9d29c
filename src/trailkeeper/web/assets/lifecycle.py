"""Recipe lifecycle management: manifests and their export, and imports of packages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from litestar import Response, post
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.assets.asset import HOME, Asset
from trailkeeper.assets.packages import Look
from trailkeeper.assets.zip_reading import PACKED_MAX
from trailkeeper.errors import Conflict, FieldError, InvalidInput, NotFound, Problem
from trailkeeper.team.permissions import holds
from trailkeeper.web.assets import detail, tree
from trailkeeper.web.assets.deeds import sentences
from trailkeeper.web.assets.listing import asked_of, found, listing, may_create, row_of
from trailkeeper.web.assets.places import PLACES, folder_path
from trailkeeper.web.assets.sent import Sent
from trailkeeper.web.assets.show import after, asset_at, gone_of, here, registry_of
from trailkeeper.web.assets.uploads import UPLOADS
from trailkeeper.web.clock import Clock, clock_of
from trailkeeper.web.render import go_to
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import Section, Tab
from trailkeeper.web.security import PAGE_HEADERS, WebRequest
from trailkeeper.web.session import by_of, installation_of, needs, session_of
from trailkeeper.web.text import visible

MANAGE = needs("the privilege to export and import packages", holds("lifecycle.manage"))
MANIFESTS, PACKAGES = PLACES["manifest"], PLACES["package"]
EXPORT, IMPORTS = "/lifecycle", "/lifecycle/imports"
LISTED_MAX = 1_000
PACKAGES_SHOWN = 50
NAMES_SHOWN = 500

LIFECYCLE = Section(
    "Recipe lifecycle management",
    (Tab(EXPORT, "Export"), Tab(IMPORTS, "Imports")),
    sentences(),
)


class Planned(Struct, frozen=True):
    """Assets of one kind that an import would make."""

    kind: str
    many: str
    names: list[str]


class Told(Struct, frozen=True, kw_only=True):
    """What an import would do, in the words of a page."""

    name: str
    workspace: str
    exported_at: str
    sha256: str
    count: int
    planned: list[Planned]
    more: int
    conflicts: list[str]
    missing: list[str]
    secrets: list[str]
    lacking: list[str]


@page(EXPORT, MANAGE)
def export_page(request: WebRequest) -> Response[str]:
    """The manifests, from which packages are made."""
    who, asked = session_of(request), asked_of(request)
    listed = listing(request, MANIFESTS, asked, found(registry_of(request), who, MANIFESTS, asked))
    return _draw(
        request,
        "assets_export.html",
        LIFECYCLE.name,
        listed=listed,
        may_create=may_create(MANIFESTS, who),
    )


@form(MANIFESTS.asset("{id:str}", "export"), MANAGE)
def export(request: WebRequest, id: FromPath[str], sent: Sent) -> Response[str]:
    """Make a package of a manifest's assets."""
    del sent
    one = asset_at(request, MANIFESTS, id, deleted=False)
    try:
        package = installation_of(request).packages.export(by_of(request), id)
    except Problem as problem:
        return detail.show(request, one, problem=problem)
    return after(PACKAGES.asset(package.id), "exported", "package")


@page(PACKAGES.asset("{id:str}", "download"), MANAGE)
def download(request: WebRequest, id: FromPath[str]) -> Response[bytes]:
    """A package's file."""
    name, raw = installation_of(request).packages.file(session_of(request).workspace, id)
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    headers = {
        **PAGE_HEADERS,
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''"
        + quote(name, safe=""),
    }
    return Response(raw, media_type="application/zip", headers=headers)


@page(IMPORTS, MANAGE)
def imports_page(request: WebRequest) -> Response[str]:
    return _imports(request)


@post(
    IMPORTS,
    opt={"permission": MANAGE},
    sync_to_thread=True,
    include_in_schema=False,
    request_max_body_size=PACKED_MAX + 64 * 1024,
)
def upload(request: WebRequest, sent: Sent) -> Response[str]:
    """Takes a package's file, and goes on to what its import would do."""
    file = sent.files.get("file")
    if file is None or not file.body:
        wrong = FieldError("choose a file", "/file")
        return _imports(request, InvalidInput("Choose the file of a package first", wrong))
    try:
        installation_of(request).packages.look(by_of(request), file.body)
    except Problem as problem:
        return _imports(request, problem)
    return go_to(f"{IMPORTS}/file/{UPLOADS.keep(_owner(request), file)}")


@page(f"{IMPORTS}/file/{{id:str}}", MANAGE)
def look_page(request: WebRequest, id: FromPath[str]) -> Response[str]:
    """What the import of a file would make, and what is in its way."""
    query = request.query_params
    return _look(request, id, query.get("folder_name"), query.get("folder_id", HOME))


@form(f"{IMPORTS}/file/{{id:str}}", MANAGE)
def start(request: WebRequest, id: FromPath[str], sent: Sent) -> Response[str]:
    """Begins the import."""
    name, folder = sent.text("folder_name"), sent.text("folder_id") or HOME
    try:
        file = UPLOADS.find(_owner(request), id)
        running = installation_of(request).imports.start(
            by_of(request), file.body, name, folder, file_name=file.name
        )
    except NotFound as problem:
        return _imports(request, problem)
    except Problem as problem:
        return _look(request, id, name, folder, problem)
    UPLOADS.drop(id)
    return go_to(f"{IMPORTS}/run/{running.id}")


@page(f"{IMPORTS}/run/{{id:str}}", MANAGE)
def progress_page(request: WebRequest, id: FromPath[str]) -> Response[str]:
    """How far an import is, and at its end what came of it."""
    who = session_of(request)
    state = installation_of(request).imports.find(who.workspace, id)
    made: Asset | None = None
    if state.package_id:
        made = registry_of(request).get(who.workspace, "package", state.package_id)
    return _draw(
        request,
        "assets_import_run.html",
        "Import",
        state=state,
        wrong=_wrong(state.problem),
        package=PACKAGES.asset(made.id) if made else "",
        folder=folder_path(made.content.folder_id) if made else "",
        again=request.url.path,
    )


def _imports(request: WebRequest, problem: Problem | None = None) -> Response[str]:
    who, registry = session_of(request), registry_of(request)
    packages = registry.page(who.workspace, "package", order="id", limit=LISTED_MAX).assets
    back = here(request)
    return _draw(
        request,
        "assets_imports.html",
        LIFECYCLE.name,
        problem=problem,
        packages=[(one, row_of(one, who, back, "")) for one in packages[-PACKAGES_SHOWN:][::-1]],
        limit=PACKED_MAX // 1024 // 1024,
    )


def _look(
    request: WebRequest,
    id: str,
    folder_name: str | None,
    folder_id: str,
    problem: Problem | None = None,
) -> Response[str]:
    workspace, by = session_of(request).workspace, by_of(request)
    try:
        file = UPLOADS.find(_owner(request), id)
    except NotFound as gone:
        return _imports(request, gone)
    look: Look | None = None
    try:
        look = installation_of(request).packages.look(by, file.body, folder_name, folder_id)
    except Problem as wrong:
        problem = problem or wrong
    status = problem.status if problem else 200
    if isinstance(problem, Conflict) and look:
        problem = None  # what stands in the way is listed in full
    return _draw(
        request,
        "assets_import.html",
        "Import package",
        problem=problem,
        status=status,
        told=_told(look, clock_of(request)) if look else None,
        file_name=visible(file.name),
        look_at=f"{IMPORTS}/file/{id}",
        folder_name=folder_name if folder_name is not None else look.folder_name if look else "",
        folders=tree.choices(registry_of(request).folders(workspace), folder_id),
    )


def _told(look: Look, clock: Clock) -> Told:
    names: dict[str, list[str]] = {}
    for one in look.assets[:NAMES_SHOWN]:
        place = [*one.folder, one.name]
        names.setdefault(one.kind, []).append(visible(tree.SEPARATOR.join(place)))
    return Told(
        name=visible(look.name),
        workspace=visible(look.workspace),
        exported_at=_when(look.exported_at, clock),
        sha256=look.sha256,
        count=len(look.assets),
        planned=[
            Planned(kind, PLACES[kind].one if len(of) == 1 else PLACES[kind].many, of)
            for kind, of in names.items()
        ],
        more=max(len(look.assets) - NAMES_SHOWN, 0),
        conflicts=[visible(one.detail) for one in look.conflicts],
        missing=[
            f"{PLACES[one.kind].one.capitalize()} {visible(one.name)},"
            f" used by {visible(', '.join(one.used_by[:5]))}"
            for one in look.missing
        ],
        secrets=[
            f"{PLACES[one.kind].one.capitalize()} {visible(one.name)}: {visible(one.field)}"
            for one in look.secrets
        ],
        lacking=look.lacking,
    )


def _when(text: str, clock: Clock) -> str:
    """The time that a package says it was made; what is no time is shown as it is."""
    try:
        return clock.exact(datetime.fromisoformat(text).astimezone(UTC))
    except (ValueError, OverflowError):
        return visible(text)


def _wrong(problem: dict[str, Any] | None) -> list[str]:
    """A problem's document in sentences."""
    if problem is None:
        return []
    errors = [str(error.get("detail", "")) for error in problem.get("errors", [])]
    return [visible(text) for text in dict.fromkeys(errors or [str(problem.get("detail", ""))])]


def _owner(request: WebRequest) -> tuple[int, int]:
    who = session_of(request)
    return who.workspace, who.user


def _draw(
    request: WebRequest,
    template: str,
    heading: str,
    *,
    problem: Problem | None = None,
    **values: Any,
) -> Response[str]:
    said: dict[str, Any] = {"back": here(request), "gone": gone_of(request), "place": MANIFESTS}
    return LIFECYCLE.page(request, template, heading, problem=problem, **said, **values)


ROUTES = [
    export_page,
    export,
    download,
    imports_page,
    upload,
    look_page,
    start,
    progress_page,
]
