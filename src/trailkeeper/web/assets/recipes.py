"""The Recipes page: the folders at the left, and what is in the open one."""

from __future__ import annotations

from litestar import Response
from litestar.exceptions import NotFoundException
from msgspec import Struct

from trailkeeper.assets.asset import ALL, HOME, HOME_NAME, Folder
from trailkeeper.team.permissions import holds
from trailkeeper.web.assets import tree
from trailkeeper.web.assets.deeds import Deed, deeds_for
from trailkeeper.web.assets.listing import DELETED, Asked, asked_of, found, listing, may_create
from trailkeeper.web.assets.places import PLACES, folder_path, with_query
from trailkeeper.web.assets.show import draw, here, registry_of
from trailkeeper.web.routes import page
from trailkeeper.web.security import WebRequest
from trailkeeper.web.services import SignedIn
from trailkeeper.web.session import needs, session_of
from trailkeeper.web.text import visible

SEE = needs("the privilege to see recipes and folders", holds("recipes.view"))
FOLDERS_SHOWN = 40


class FolderRow(Struct, frozen=True, kw_only=True):
    """A folder in the open one."""

    id: str
    name: str
    href: str
    count: int
    move: str
    deeds: list[Deed]
    trail: str


class Open(Struct, frozen=True, kw_only=True):
    """The open folder; at the root it has neither deeds nor a trail."""

    id: str
    name: str
    crumbs: list[tuple[str, str, str]]
    deeds: list[Deed]
    trail: str
    folders: list[FolderRow]
    all_folders: str
    folder_count: int


@page("/recipes", SEE)
def recipes_page(request: WebRequest) -> Response[str]:
    """The recipes of the open folder, or with `in=all` of all folders."""
    who, asked, place = session_of(request), asked_of(request), PLACES["recipe"]
    registry = registry_of(request)
    folders = registry.folders(who.workspace, "recipe")
    current = _current(request, folders)
    everywhere = asked.everywhere or asked.state == DELETED
    scope = ALL if everywhere else current
    recipes = found(registry, who, place, asked, folder=scope)
    may_edit = "recipes.edit" in who.privileges
    return draw(
        request,
        place,
        "assets_recipes.html",
        place.title,
        root=tree.tree(
            folders, current, may_move=may_edit, whole="folders" in request.query_params
        ),
        open=_open(request, who, folders, current, asked),
        listed=listing(request, place, asked, recipes, folders=folders if everywhere else None),
        everywhere=everywhere,
        may_edit=may_create(place, who),
        new_recipe=with_query("/recipes/new", folder=current, back=here(request)),
        new_folder=with_query("/folders/new", folder=current, back=here(request)),
    )


def _current(request: WebRequest, folders: list[Folder]) -> str | None:
    """The open folder's id; None for the root."""
    asked = request.query_params.get("folder", "")
    if asked in ("", HOME):
        return None
    if all(folder.id != asked for folder in folders):
        raise NotFoundException
    return asked


def _open(
    request: WebRequest,
    who: SignedIn,
    folders: list[Folder],
    current: str | None,
    asked: Asked,
) -> Open:
    place, back = PLACES["folder"], here(request)
    known = {folder.id: folder for folder in folders}
    below = [] if asked.state else [one for one in folders if one.parent_id == current]
    if asked.q:
        inside = folders if asked.everywhere else below
        below = [one for one in inside if asked.q.casefold() in one.name.casefold()]
    shown = below if "folders" in request.query_params else below[:FOLDERS_SHOWN]
    may_move = "recipes.edit" in who.privileges
    if asked.after is not None:
        shown = []
    return Open(
        id=current or HOME,
        name=visible(known[current].name) if current else HOME_NAME,
        crumbs=_crumbs(known, current),
        deeds=deeds_for(place, current, None, who, back, menu=True) if current else [],
        trail=_trail(current, who) if current else "",
        folders=[
            FolderRow(
                id=one.id,
                name=visible(one.name),
                href=folder_path(one.id),
                count=one.count,
                move=place.asset(one.id, "move") if may_move else "",
                deeds=deeds_for(place, one.id, None, who, back, menu=True),
                trail=_trail(one.id, who),
            )
            for one in shown
        ],
        all_folders=with_query(back, folders="all") if shown and len(shown) < len(below) else "",
        folder_count=len(below),
    )


def _trail(id: str, who: SignedIn) -> str:
    """The page of what was done to a folder, for who may see the log."""
    return PLACES["folder"].asset(id, "activity") if "activity_audit.view" in who.privileges else ""


def _crumbs(known: dict[str, Folder], current: str | None) -> list[tuple[str, str, str]]:
    """The way down to the open folder: id, name and page of each."""
    found: list[tuple[str, str, str]] = []
    step = current
    while step is not None and step in known:
        found.append((step, visible(known[step].name), folder_path(step)))
        step = known[step].parent_id
    return [(HOME, HOME_NAME, folder_path(None)), *reversed(found)]


ROUTES = [recipes_page]
