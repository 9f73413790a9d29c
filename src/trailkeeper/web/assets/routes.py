"""The routes of each kind, made from its row in the table of kinds.

Whoever may see a kind sees its pages; each operation asks for its own privilege.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from trailkeeper.assets.kinds import KINDS, Operation
from trailkeeper.errors import Problem
from trailkeeper.identity.privileges import PRIVILEGES, Privilege
from trailkeeper.team.permissions import holds
from trailkeeper.web.assets import asking, csv_text, detail, doing, lifecycle, recipes, table
from trailkeeper.web.assets.chosen import offers
from trailkeeper.web.assets.listing import list_page
from trailkeeper.web.assets.places import PLACES, Place, folder_path
from trailkeeper.web.assets.preview import message_of
from trailkeeper.web.assets.sent import Form, Sent
from trailkeeper.web.assets.show import after, asset_at, registry_of, tried
from trailkeeper.web.render import go_to, render
from trailkeeper.web.routes import form, page
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import SIGNED_IN, Permission, by_of, needs, session_of
from trailkeeper.web.text import visible

Post = Callable[[WebRequest, Place, str, Form], Response[str]]


def who_may(*privileges: Privilege) -> Permission:
    """Those who hold all of these."""
    names = " and ".join(f"“{PRIVILEGES[one]}”" for one in privileges)
    return needs(f"the privilege {names}", *map(holds, privileges))


def routes_of(place: Place) -> list[Any]:
    """All pages and forms of a kind."""
    kind = place.of
    made = [*_details(place), *_trail(place)]
    if place.has_list:
        made.append(_list(place))
    if "create" in kind.operations:
        made += _new(place, kind.operations["create"])
    if "update" in kind.operations:
        made += [_save(place, tab, kind.operations["update"]) for tab in _edited(place)]
    for name, operation in kind.operations.items():
        if name in asking.ASKS:
            made.append(_ask(place, operation))
        if post := _post_of(operation):
            made.append(_post(place, operation, post))
    return made


def _list(place: Place) -> Any:
    @page(place.path, who_may(place.of.view))
    def show_list(request: WebRequest) -> Response[str]:
        return list_page(request, place)

    return show_list


def _new(place: Place, create: Operation) -> list[Any]:
    may = who_may(place.of.view, create.privilege)

    @page(place.asset("new"), may)
    def ask_new(request: WebRequest) -> Response[str]:
        return asking.ask_new(request, place)

    @form(place.asset("new"), may)
    def create_new(request: WebRequest, sent: Sent) -> Response[str]:
        return doing.create(request, place, sent)

    return [ask_new, create_new]


def _details(place: Place) -> list[Any]:
    """The page of an asset, one route for each of its tabs."""
    slugs = [slug for slug, _ in place.tabs]
    if {"update", "rename"} & place.of.operations.keys():
        slugs.append("versions")
    if "set-access-scope" in place.of.operations:
        slugs.append("settings")
    return [_tab(place, slug, who_may(place.of.view)) for slug in slugs]


def _trail(place: Place) -> list[Any]:
    return [_tab(place, "activity", who_may(place.of.view, "activity_audit.view"))]


def _tab(place: Place, tab: str, permission: Permission) -> Any:
    @page(place.asset("{id:str}", *filter(None, [tab])), permission)
    def show_tab(request: WebRequest, id: FromPath[str]) -> Response[str]:
        one = asset_at(request, place, id)
        if one.kind == "folder" and not tab and one.deleted_at is None:
            return go_to(folder_path(one.id))
        return detail.show(request, one, tab)

    return show_tab


def _edited(place: Place) -> list[str]:
    return list(place.forms) or [place.edits]


def _save(place: Place, tab: str, update: Operation) -> Any:
    @form(place.asset("{id:str}", *filter(None, [tab])), who_may(place.of.view, update.privilege))
    def save(request: WebRequest, id: FromPath[str], sent: Sent) -> Response[str]:
        return doing.update(request, place, id, tab, sent)

    return save


def _ask(place: Place, operation: Operation) -> Any:
    ask = asking.ASKS[operation.name]

    @page(place.asset("{id:str}", operation.name), who_may(place.of.view, operation.privilege))
    def ask_first(request: WebRequest, id: FromPath[str]) -> Response[str]:
        return ask(request, asset_at(request, place, id, deleted=False))

    return ask_first


def _post_of(operation: Operation) -> Post | None:
    """What is done for an operation; nothing here for those that a form of its own does."""
    name = operation.name
    if name in doing.ASKED:
        return lambda request, place, at, sent: doing.asked(request, place, at, name, sent)
    if name in _OTHERS:
        return _OTHERS[name]
    if operation.from_states and operation.to_state:
        return lambda request, place, at, sent: doing.transition(request, place, at, name, sent)
    return None


_OTHERS: dict[str, Post | None] = {
    "create": None,
    "update": None,
    "refresh-token": doing.refresh,
    "set-access-scope": doing.scope,
    "undelete": doing.undelete,
    "restore": doing.restore,
}


def _post(place: Place, operation: Operation, post: Post) -> Any:
    @form(place.asset("{id:str}", operation.name), who_may(place.of.view, operation.privilege))
    def do(request: WebRequest, id: FromPath[str], sent: Sent) -> Response[str]:
        return post(request, place, id, sent)

    return do


# --- What single kinds have

TABLES = PLACES["lookup_table"]
TEMPLATES = PLACES["message_template"]
EDIT_TOOLS = who_may("tools.view", "tools.edit")


@form(TABLES.asset("{id:str}", "rows"), EDIT_TOOLS)
def save_rows(request: WebRequest, id: FromPath[str], sent: Sent) -> Response[str]:
    one = asset_at(request, TABLES, id, deleted=False)
    done = tried(
        lambda: registry_of(request).update(
            by_of(request),
            one.kind,
            id,
            content={"rows": table.changed_rows(one, sent)},
            revision=sent.number("revision"),
        )
    )
    if isinstance(done, Problem):
        return detail.show(request, one, form=sent, problem=done)
    slug = "updated" if done.version != one.version else "same"
    return after(TABLES.asset(id), slug, one.kind, row=sent.text("start"))


@page(TABLES.asset("{id:str}", "csv"), who_may("tools.view"))
def download_rows(request: WebRequest, id: FromPath[str]) -> Response[bytes]:
    one = asset_at(request, TABLES, id)
    return csv_text.written(one.name, one.content)


@form(TABLES.asset("{id:str}", "csv"), EDIT_TOOLS)
def upload_rows(request: WebRequest, id: FromPath[str], sent: Sent) -> Response[str]:
    one = asset_at(request, TABLES, id, deleted=False)
    done = tried(
        lambda: registry_of(request).update(
            by_of(request), one.kind, id, content=table.read_file(one, sent.files.get("file"))
        )
    )
    if isinstance(done, Problem):
        return detail.show(request, one, problem=done)
    slug = "imported-rows" if done.version != one.version else "same"
    return after(TABLES.asset(id), slug, one.kind)


@form(TEMPLATES.asset("{id:str}", "preview"), who_may("tools.view"))
def preview_template(request: WebRequest, id: FromPath[str], sent: Sent) -> Response[str]:
    """What the template in the form makes of sample data; nothing is saved."""
    one = asset_at(request, TEMPLATES, id)
    return detail.show(request, one, form=sent, preview=message_of(sent))


@page("/assets/choices", SIGNED_IN)
def asset_choices(request: WebRequest) -> Response[str]:
    """What a field that names assets offers, as HTML list items."""
    query, who = request.query_params, session_of(request)
    text = query.get("text", "").strip()[:200]
    kinds = query.get("kinds", "").split(",")
    found = offers(registry_of(request), who, kinds, text, typed="typed" in query)
    return render(request, "assets_choices.html", session=who, offers=found, text=visible(text))


@page("/assets/{id:str}", SIGNED_IN)
def any_asset(request: WebRequest, id: FromPath[str]) -> Response[str]:
    """On to the page of the asset with this id, whatever its kind."""
    who = session_of(request)
    one = registry_of(request).find(who.workspace, id)
    if one is None or KINDS[one.kind].view not in who.privileges:
        raise NotFoundException
    return go_to(PLACES[one.kind].asset(one.id))


ROUTES = [
    *recipes.ROUTES,
    *lifecycle.ROUTES,
    *(route for place in PLACES.values() for route in routes_of(place)),
    save_rows,
    download_rows,
    upload_rows,
    preview_template,
    asset_choices,
    any_asset,
]
