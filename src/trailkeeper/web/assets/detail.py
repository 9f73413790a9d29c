"""The page of one asset: its head, its tabs, and what is on each of them."""

from __future__ import annotations

from litestar import Response
from msgspec import Struct

from trailkeeper.activity import now_us
from trailkeeper.assets.asset import HOME_NAME, Asset
from trailkeeper.assets.changes import UNDELETE_DAYS
from trailkeeper.errors import Problem
from trailkeeper.identity.privileges import PRIVILEGES
from trailkeeper.web.assets import history, table, trail
from trailkeeper.web.assets.deeds import Deed, deeds_of
from trailkeeper.web.assets.forms import FormField, fields_for, names_in
from trailkeeper.web.assets.listing import (
    GOOD_STATES,
    Listed,
    asked_of,
    found,
    listing,
    may_create,
)
from trailkeeper.web.assets.places import PLACES, Place, folder_path, listing_of, with_query
from trailkeeper.web.assets.preview import Message
from trailkeeper.web.assets.sent import Form
from trailkeeper.web.assets.show import draw, here, registry_of
from trailkeeper.web.labels import type_icon
from trailkeeper.web.sections import Tab
from trailkeeper.web.security import WebRequest
from trailkeeper.web.services import SignedIn
from trailkeeper.web.session import installation_of, session_of
from trailkeeper.web.text import visible

DAY_US = 86_400_000_000


class Head(Struct, frozen=True, kw_only=True):
    """What stands above the tabs."""

    name: str
    raw_name: str
    icon: str
    path: str
    crumbs: list[tuple[str, str]]
    is_good: bool
    deeds: list[Deed]
    may_rename: bool
    may_undelete: bool
    until: int | None
    has_file: bool


class FormView(Struct, frozen=True, kw_only=True):
    """The form on a tab, or the same to read; then `locked` says why it cannot be changed."""

    action: str
    fields: list[FormField]
    name: str | None
    revision: int
    locked: str
    may_edit: bool
    preview: str = ""


class Children(Struct, frozen=True, kw_only=True):
    """What lies in the asset."""

    place: Place
    listed: Listed
    create: str


def show(
    request: WebRequest,
    one: Asset,
    tab: str = "",
    *,
    form: Form | None = None,
    problem: Problem | None = None,
    token: str = "",
    preview: Message | None = None,
) -> Response[str]:
    """The page of an asset with one of its tabs; `token` is one that was just made."""
    place, who = PLACES[one.kind], session_of(request)
    body, view = _body(request, one, tab, form, problem)
    return draw(
        request,
        place,
        "assets_detail.html",
        visible(one.name),
        tabs=tabs_of(one, who),
        problem=problem,
        one=one,
        tab=tab,
        head=_head(request, one),
        body=body,
        view=view,
        token=token,
        preview=preview,
        sample=form.text("data") if form else "",
    )


def tabs_of(one: Asset, who: SignedIn) -> tuple[Tab, ...]:
    """The tabs that the reader may see: the kind's own, then those that all kinds have."""
    place = PLACES[one.kind]
    # What lay in a deleted asset is deleted, too: there is only itself to look at.
    slugs = [("", "Last version")] if one.deleted_at and place.children else [*place.tabs]
    if {"update", "rename"} & one.of.operations.keys():
        slugs.append(("versions", "Versions"))
    if "set-access-scope" in one.of.operations:
        slugs.append(("settings", "Settings"))
    if "activity_audit.view" in who.privileges:
        slugs.append(("activity", "Activity"))
    return tuple(Tab(place.asset(one.id, slug) if slug else place.asset(one.id), name)
                 for slug, name in slugs)  # fmt: skip


def _body(
    request: WebRequest, one: Asset, tab: str, form: Form | None, problem: Problem | None
) -> tuple[str, object]:
    """The template of a tab, and what it shows."""
    place = PLACES[one.kind]
    if tab == "versions":
        return "assets_versions.html", history.view_of(request, one)
    if tab == "activity":
        return "assets_activity.html", trail.view_of(request, one)
    if tab == "settings" and "set-access-scope" in one.of.operations:
        return "assets_scope.html", may_do(one, session_of(request), "set-access-scope")
    if one.deleted_at and place.children:
        tab = place.edits
    elif not tab and place.children:
        return "assets_children.html", _children(request, one)
    if not tab and one.kind == "lookup_table":
        locked = lock_of(one, session_of(request))
        return "assets_rows.html", table.view_of(request, one, form, may_edit=not locked)
    return "assets_fields.html", _form(request, one, tab, form, problem)


def _form(
    request: WebRequest, one: Asset, tab: str, form: Form | None, problem: Problem | None
) -> FormView:
    place, who = PLACES[one.kind], session_of(request)
    fields = fields_for(
        registry_of(request),
        who.workspace,
        one.kind,
        names_in(place, tab),
        one=one,
        form=form,
        problem=problem,
    )
    locked = lock_of(one, who)
    named = "rename" not in one.of.operations and tab == place.edits
    return FormView(
        action=place.asset(one.id, tab) if tab else place.asset(one.id),
        fields=fields,
        name=(form.text("name") if form else one.name) if named else None,
        revision=form.number("revision") or one.revision if form else one.revision,
        locked=locked,
        may_edit=not locked,
        preview=place.asset(one.id, "preview") if one.kind == "message_template" else "",
    )


def _children(request: WebRequest, one: Asset) -> Children:
    place, who = PLACES[PLACES[one.kind].children], session_of(request)
    asked = asked_of(request)
    page = found(registry_of(request), who, place, asked, parent=one.id)
    may = may_create(place, who) and one.deleted_at is None
    return Children(
        place=place,
        listed=listing(request, place, asked, page),
        create=with_query(place.asset("new"), parent=one.id) if may else "",
    )


def _head(request: WebRequest, one: Asset) -> Head:
    place, who = PLACES[one.kind], session_of(request)
    until = one.deleted_at + UNDELETE_DAYS * DAY_US if one.deleted_at is not None else None
    undelete = one.of.operations.get("undelete")
    return Head(
        name=visible(one.name),
        raw_name=one.name,
        icon=type_icon(one.kind),
        path=place.asset(one.id),
        crumbs=crumbs_of(request, one),
        is_good=one.state in GOOD_STATES,
        deeds=[deed for deed in deeds_of(one, who, here(request)) if deed.name != "rename"],
        may_rename=may_do(one, who, "rename"),
        may_undelete=until is not None
        and until > now_us()
        and undelete is not None
        and undelete.privilege in who.privileges,
        until=until,
        has_file=one.kind == "package"
        and installation_of(request).packages.has_file(who.workspace, one.id),
    )


def crumbs_of(request: WebRequest, one: Asset) -> list[tuple[str, str]]:
    """The way down to an asset, as names with their pages."""
    workspace, registry = session_of(request).workspace, registry_of(request)
    if one.of.place == "folder" and one.kind != "connection":
        path = registry.path_of(workspace, one.folder_id)
        return [(HOME_NAME, folder_path(None))] + [
            (visible(folder.name), folder_path(folder.id)) for folder in path
        ]
    if one.of.parent_kind and one.parent_id:
        above = PLACES[one.of.parent_kind]
        parent = registry.get(workspace, above.kind, one.parent_id, deleted=True)
        return [(above.title, above.path), (visible(parent.name), above.asset(parent.id))]
    return [(PLACES[one.kind].title, listing_of(one))]


def may_do(one: Asset, who: SignedIn, operation: str) -> bool:
    """Whether this reader can do that with the asset as it is."""
    does = one.of.operations.get(operation)
    return (
        does is not None
        and does.privilege in who.privileges
        and one.deleted_at is None
        and (not does.from_states or one.state in does.from_states)
    )


def lock_of(one: Asset, who: SignedIn) -> str:
    """Why the content cannot be changed; empty if it can."""
    place, update = PLACES[one.kind], one.of.operations.get("update")
    if one.deleted_at is not None or update is None:
        return f"This is the last version of the {place.one}." if one.deleted_at else " "
    if update.privilege not in who.privileges:
        needed = PRIVILEGES[update.privilege]
        return f"You can look at this {place.one}; to change it you need the privilege “{needed}”."
    if update.from_states and one.state not in update.from_states:
        needed = " or ".join(update.from_states)
        return f"It is {one.state}. A {place.one} can be changed only while it is {needed}."
    return ""
