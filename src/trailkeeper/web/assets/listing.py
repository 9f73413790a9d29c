"""Assets of one kind as rows: search, state, what was deleted, and the next page."""

from __future__ import annotations

from typing import Any

from litestar import Response
from msgspec import Struct

from trailkeeper.assets.asset import ALL, Asset, AssetPage, Folder
from trailkeeper.assets.content import Rate
from trailkeeper.assets.kinds import KINDS
from trailkeeper.assets.registry import Registry
from trailkeeper.web.assets.deeds import Deed, deeds_of
from trailkeeper.web.assets.places import PLACES, Place, with_query
from trailkeeper.web.assets.show import draw, here, registry_of
from trailkeeper.web.assets.tree import path_names
from trailkeeper.web.labels import type_icon
from trailkeeper.web.security import WebRequest
from trailkeeper.web.services import SignedIn
from trailkeeper.web.session import session_of
from trailkeeper.web.text import visible

PAGE_SIZE = 50
DELETED = "deleted"
GOOD_STATES = frozenset({"running", "connected", "active", "released"})


class Row(Struct, frozen=True, kw_only=True):
    """An asset in a list. `cells` are the columns of its kind, each with its name."""

    id: str
    name: str
    href: str
    icon: str
    state: str
    is_good: bool
    cells: list[tuple[str, str]]
    folder: str
    version: int
    updated_at: int
    deleted_at: int | None
    move: str
    edit: str
    deeds: list[Deed]


class Asked(Struct, frozen=True):
    """What the reader asked to see. The state may be `deleted`."""

    q: str
    state: str
    everywhere: bool
    after: int | None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.state)


class Listed(Struct, frozen=True, kw_only=True):
    """A list as its template draws it."""

    rows: list[Row]
    asked: Asked
    states: list[tuple[str, str]]
    columns: list[str]
    has_folders: bool
    more: str


def list_page(request: WebRequest, place: Place) -> Response[str]:
    """The list of a kind that has a page of its own."""
    who, asked = session_of(request), asked_of(request)
    listed = listing(request, place, asked, found(registry_of(request), who, place, asked))
    return draw(
        request,
        place,
        "assets_list.html",
        place.title,
        listed=listed,
        may_create=may_create(place, who),
        create=place.asset("new"),
    )


def asked_of(request: WebRequest) -> Asked:
    query = request.query_params
    after = query.get("after", "")
    return Asked(
        query.get("q", "").strip()[:200],
        query.get("state", "")[:40],
        query.get("in") == "all",
        int(after) if after.isascii() and after.isdigit() and len(after) < 16 else None,
    )


def found(
    registry: Registry,
    who: SignedIn,
    place: Place,
    asked: Asked,
    *,
    folder: str | None = ALL,
    parent: str | None = None,
) -> AssetPage:
    """The assets that were asked for. Deleted ones are found wherever they were."""
    deleted = asked.state == DELETED
    return registry.page(
        who.workspace,
        place.kind,
        folder=ALL if deleted else folder,
        parent=None if deleted else parent,
        q=asked.q,
        state="" if deleted else asked.state,
        deleted=deleted,
        after=asked.after,
        limit=PAGE_SIZE,
    )


def listing(
    request: WebRequest,
    place: Place,
    asked: Asked,
    page: AssetPage,
    *,
    folders: list[Folder] | None = None,
) -> Listed:
    """The assets of a page as rows. `folders` are needed where rows tell their folder."""
    who, back = session_of(request), here(request)
    with_folder = place.of.place == "folder" and (folders is not None or place.kind != "recipe")
    if with_folder and folders is None:
        folders = registry_of(request).folders(who.workspace)
    names = path_names(folders or []) if with_folder else {}
    more = with_query(back, after=str(page.next)) if page.next else ""
    return Listed(
        rows=[row_of(one, who, back, names.get(one.folder_id, "Home")) for one in page.assets],
        asked=asked,
        states=states_of(place),
        columns=[label for _, label in place.shows],
        has_folders=with_folder,
        more=more,
    )


def row_of(one: Asset, who: SignedIn, back: str, folder: str) -> Row:
    place = PLACES[one.kind]
    return Row(
        id=one.id,
        name=visible(one.name),
        href=place.asset(one.id),
        icon=type_icon(one.kind),
        state=one.state or "",
        is_good=one.state in GOOD_STATES,
        cells=[(label, _cell(one, name)) for name, label in place.shows],
        folder=folder,
        version=one.version,
        updated_at=one.updated_at,
        deleted_at=one.deleted_at,
        move=_move(one, who),
        edit=_edit(one, who),
        deeds=deeds_of(one, who, back, menu=True),
    )


def states_of(place: Place) -> list[tuple[str, str]]:
    """The states to choose from, with what they are called."""
    states = [(state, state.capitalize()) for state in KINDS[place.kind].states]
    deleted = [(DELETED, "Deleted")] if "delete" in place.of.operations else []
    return [("", "Any state" if states else "Present"), *states, *deleted]


def may_create(place: Place, who: SignedIn) -> bool:
    create = place.of.operations.get("create")
    return bool(place.create) and create is not None and create.privilege in who.privileges


def _move(one: Asset, who: SignedIn) -> str:
    """Where a row that is dropped on a folder is sent to; empty if it cannot be."""
    move = one.of.operations.get("move")
    may = move is not None and move.privilege in who.privileges and one.deleted_at is None
    return PLACES[one.kind].asset(one.id, "move") if may else ""


def _edit(one: Asset, who: SignedIn) -> str:
    """Where a row's asset is edited, for who may."""
    place, update = PLACES[one.kind], one.of.operations.get("update")
    if update is None or update.privilege not in who.privileges:
        return ""
    return place.asset(one.id, place.edits) if place.edits else place.asset(one.id)


def _cell(one: Asset, field: str) -> str:
    if field in one.secrets:
        return "••••••"
    value: Any = getattr(one.content, field)
    if isinstance(value, Rate):
        return f"{value.requests:,} a {value.per}"
    if field == "released_version":
        return f"Version {value}" if value else "Never"
    return visible(str(value or ""))[:120]
