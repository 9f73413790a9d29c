"""The pages that ask before something is done: under which name, in which folder, whether really.

Each is a page with one form. Where scripts run, the form is shown in a dialog over the page that
its link stands on; it is sent to the same address either way.
"""

from __future__ import annotations

from litestar import Response
from msgspec import Struct

from trailkeeper.assets.asset import HOME, Asset
from trailkeeper.assets.changes import UNDELETE_DAYS
from trailkeeper.errors import Problem
from trailkeeper.web.assets import tree
from trailkeeper.web.assets.deeds import label_of
from trailkeeper.web.assets.forms import FormField, errors_by_field, fields_for, new_names
from trailkeeper.web.assets.places import PLACES, Place, folder_path
from trailkeeper.web.assets.sent import EMPTY, Form
from trailkeeper.web.assets.show import back_to, draw, registry_of
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import session_of
from trailkeeper.web.text import visible

KEPT = (
    f"Its name and last version stay in the log; for {UNDELETE_DAYS} days it can be brought back."
)


class Sheet(Struct, frozen=True, kw_only=True):
    """A form that asks. Without a `name` or `folders` it does not ask for those."""

    action: str
    submit: str
    icon: str
    cancel: str
    style: str = "primary"
    says: list[str] = []
    name: str | None = None
    name_label: str = "Name"
    name_help: str = ""
    folders: list[tree.Choice] = []
    fields: list[FormField] = []
    hidden: dict[str, str] = {}
    errors: dict[str, str] = {}
    may: bool = True


def ask_new(
    request: WebRequest, place: Place, form: Form | None = None, problem: Problem | None = None
) -> Response[str]:
    """For a new asset: its name, where it is to be, and what it is at first."""
    who, registry = session_of(request), registry_of(request)
    sent = form or EMPTY
    at = sent.text("folder_id") or request.query_params.get("folder", "")
    parent = sent.text("parent_id") or request.query_params.get("parent", "")
    in_folder = place.of.place == "folder"
    sheet = Sheet(
        action=place.asset("new"),
        submit="Create",
        icon="plus",
        cancel=_back(request, form, _around(place, at, parent)),
        name=sent.text("name"),
        folders=tree.choices(registry.folders(who.workspace), at or None) if in_folder else [],
        fields=fields_for(
            registry, who.workspace, place.kind, new_names(place), form=form, problem=problem
        ),
        hidden={"parent_id": parent} if place.of.place == "parent" else {},
        errors=errors_by_field(problem),
    )
    return _draw(request, place, place.create, sheet, problem)


def ask_rename(
    request: WebRequest,
    one: Asset,
    form: Form | None = None,
    problem: Problem | None = None,
) -> Response[str]:
    place = PLACES[one.kind]
    sheet = Sheet(
        action=place.asset(one.id, "rename"),
        submit="Rename",
        icon="pencil",
        cancel=_back(request, form, page_for(one)),
        name=form.text("name") if form else one.name,
        errors=errors_by_field(problem),
    )
    return _draw(request, place, f"Rename {place.one}", sheet, problem)


def ask_move(
    request: WebRequest,
    one: Asset,
    form: Form | None = None,
    problem: Problem | None = None,
) -> Response[str]:
    who, place = session_of(request), PLACES[one.kind]
    folders = registry_of(request).folders(who.workspace)
    chosen = form.text("folder_id") if form else one.folder_id
    itself = one.id if one.kind == "folder" else None
    sheet = Sheet(
        action=place.asset(one.id, "move"),
        submit="Move here",
        icon="folder-input",
        cancel=_back(request, form, page_for(one)),
        folders=tree.choices(folders, chosen, without=itself),
        errors=errors_by_field(problem),
    )
    return _draw(request, place, f"Move “{visible(one.name)}” to…", sheet, problem)


def ask_copy(
    request: WebRequest,
    one: Asset,
    form: Form | None = None,
    problem: Problem | None = None,
) -> Response[str]:
    who, place = session_of(request), PLACES[one.kind]
    chosen = form.text("folder_id") if form else one.folder_id
    sheet = Sheet(
        action=place.asset(one.id, "copy"),
        submit=label_of(place, "copy", menu=True),
        icon="copy",
        cancel=_back(request, form, page_for(one)),
        says=[f"The copy has the code of version {one.version} and is stopped at first."],
        name=form.text("name") if form else f"{one.name[:190]} (copy)",
        folders=tree.choices(registry_of(request).folders(who.workspace), chosen),
        errors=errors_by_field(problem),
    )
    return _draw(request, place, f"Clone “{visible(one.name)}”", sheet, problem)


def ask_delete(
    request: WebRequest,
    one: Asset,
    form: Form | None = None,
    problem: Problem | None = None,
) -> Response[str]:
    """Says what goes away with it, and what is in the way."""
    place = PLACES[one.kind]
    states = one.of.operations["delete"].from_states
    hindered = bool(states) and one.state not in states
    if hindered:
        says = [f"It is {one.state}. A {place.one} can only be deleted while it is {states[0]}."]
    else:
        says = [*_goes_with(request, one), KEPT]
    sheet = Sheet(
        action=place.asset(one.id, "delete"),
        submit=place.delete if one.kind != "folder" else "Delete folder",
        icon="trash-2",
        style="danger",
        cancel=_back(request, form, page_for(one)),
        says=says,
        hidden={"recursive": "1"} if one.kind == "folder" else {},
        may=not hindered,
    )
    return _draw(request, place, f"Delete “{visible(one.name)}”?", sheet, problem)


def ask_refresh(
    request: WebRequest,
    one: Asset,
    form: Form | None = None,
    problem: Problem | None = None,
) -> Response[str]:
    place = PLACES[one.kind]
    sheet = Sheet(
        action=place.asset(one.id, "refresh-token"),
        submit="Refresh token",
        icon="refresh-cw",
        cancel=_back(request, form, page_for(one)),
        says=["The new token is shown once. The old one is refused from that moment on."],
    )
    return _draw(request, place, f"Refresh the token of “{visible(one.name)}”?", sheet, problem)


ASKS = {
    "rename": ask_rename,
    "move": ask_move,
    "copy": ask_copy,
    "delete": ask_delete,
    "refresh-token": ask_refresh,
}
"""By operation."""


def page_for(one: Asset) -> str:
    """The page that shows an asset; a folder's is the listing of what is in it."""
    if one.kind == "folder" and one.deleted_at is None:
        return folder_path(one.id)
    return PLACES[one.kind].asset(one.id)


def _around(place: Place, folder: str, parent: str) -> str:
    """The listing to which a new asset would be added."""
    if place.of.place == "folder" and place.kind != "connection":
        return folder_path(None if folder in ("", HOME) else folder)
    if place.of.parent_kind and parent:
        return PLACES[place.of.parent_kind].asset(parent)
    return place.path if place.has_list else "/lifecycle"


def _goes_with(request: WebRequest, one: Asset) -> list[str]:
    workspace, registry = session_of(request).workspace, registry_of(request)
    if one.kind == "folder":
        folders, assets = tree.inside(registry.folders(workspace), one.id)
        if not folders and not assets:
            return ["It is empty."]
        return [f"With it go {_count(assets, 'asset')} and {_count(folders, 'folder')} in it."]
    child = PLACES[one.kind].children
    if not child:
        return []
    page = registry.page(workspace, child, parent=one.id, limit=1_000)
    count = len(page.assets)
    if not count:
        return []
    words = PLACES[child].one if count == 1 else PLACES[child].many
    return [f"With it {'goes' if count == 1 else 'go'} {count}{'+' * bool(page.next)} {words}."]


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _back(request: WebRequest, form: Form | None, otherwise: str) -> str:
    asked = form.text("back") if form else request.query_params.get("back", "")
    return back_to(asked, otherwise)


def _draw(
    request: WebRequest, place: Place, heading: str, sheet: Sheet, problem: Problem | None
) -> Response[str]:
    return draw(request, place, "assets_ask.html", heading, problem=problem, sheet=sheet)
