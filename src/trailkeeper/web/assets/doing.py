"""What is done when a form about an asset is sent: one function an operation.

Each changes the registry and leads on to a page that says so, or asks again and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable

from litestar import Response
from msgspec import UNSET

from trailkeeper.assets.asset import HOME, Asset
from trailkeeper.errors import NotFound, Problem
from trailkeeper.web.assets import asking, detail
from trailkeeper.web.assets.forms import names_in, new_names, read_content
from trailkeeper.web.assets.places import Place, listing_of
from trailkeeper.web.assets.sent import Form
from trailkeeper.web.assets.show import after, asset_at, back_to, registry_of, tried
from trailkeeper.web.assets.table import moved_columns
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of


def create(request: WebRequest, place: Place, form: Form) -> Response[str]:
    registry, by = registry_of(request), by_of(request)
    try:
        content = read_content(place.kind, new_names(place), form, None)
        made = registry.create(
            by,
            place.kind,
            form.text("name"),
            folder_id=form.text("folder_id") or None,
            parent_id=form.text("parent_id") or None,
            content=content,
        )
    except Problem as problem:
        return asking.ask_new(request, place, form, problem)
    if made.token:
        return detail.show(request, made.asset, token=made.token)
    return after(asking.page_for(made.asset), "created", place.kind)


def update(request: WebRequest, place: Place, id: str, tab: str, form: Form) -> Response[str]:
    """Save what was filled in on a tab as a new version, unless somebody else was faster."""
    registry, by = registry_of(request), by_of(request)
    one = asset_at(request, place, id, deleted=False)
    name = form.text("name") if "name" in form.fields else None
    try:
        content = read_content(place.kind, names_in(place, tab), form, one)
        if tab == "columns":
            content |= moved_columns(one, form)
        new = registry.update(
            by, place.kind, id, name=name, content=content, revision=form.number("revision")
        )
    except Problem as problem:
        return detail.show(request, one, tab, form=form, problem=problem)
    slug = "updated" if new.version != one.version else "same"
    return after(place.asset(id, tab) if tab else place.asset(id), slug, place.kind)


def rename(request: WebRequest, one: Asset, form: Form) -> Asset:
    return registry_of(request).rename(by_of(request), one.kind, one.id, form.text("name"))


def move(request: WebRequest, one: Asset, form: Form) -> Asset:
    folder = form.text("folder_id") or HOME
    return registry_of(request).move(by_of(request), one.kind, one.id, folder)


def copy(request: WebRequest, one: Asset, form: Form) -> Asset:
    folder = form.text("folder_id") if "folder_id" in form.fields else UNSET
    return registry_of(request).copy(
        by_of(request), one.kind, one.id, name=form.text("name").strip() or None, folder_id=folder
    )


def delete(request: WebRequest, one: Asset, form: Form) -> Asset:
    recursive = bool(form.text("recursive"))
    registry_of(request).delete(by_of(request), one.kind, one.id, recursive=recursive)
    return one


ASKED: dict[str, Callable[[WebRequest, Asset, Form], Asset]] = {
    "rename": rename,
    "move": move,
    "copy": copy,
    "delete": delete,
}
"""Operations that a page asks for; see asking.py."""


def asked(request: WebRequest, place: Place, id: str, name: str, form: Form) -> Response[str]:
    """Do what the page of an operation asked for, and go back to where it was asked from."""
    one = asset_at(request, place, id, deleted=False)
    done = tried(lambda: ASKED[name](request, one, form))
    if isinstance(done, NotFound):
        raise done
    if isinstance(done, Problem):
        return asking.ASKS[name](request, one, form, done)
    if name == "delete":
        back = back_to(form.text("back"), listing_of(one))
        at_itself = back.partition("?")[0] == place.asset(id) or f"folder={id}" in back
        return after(
            listing_of(one) if at_itself else back, name, place.kind, gone=f"{one.kind}:{id}"
        )
    if name == "copy":
        return after(asking.page_for(done), name, place.kind)
    return after(back_to(form.text("back"), asking.page_for(done)), name, place.kind)


def transition(request: WebRequest, place: Place, id: str, name: str, form: Form) -> Response[str]:
    """To another state: start and stop, connect and disconnect, and the like."""
    one = asset_at(request, place, id, deleted=False)
    reason = form.text("reason").strip() or None
    done = tried(
        lambda: registry_of(request).transition(by_of(request), place.kind, id, name, reason=reason)
    )
    if isinstance(done, Problem):
        return detail.show(request, one, problem=done)
    return after(back_to(form.text("back"), place.asset(id)), name, place.kind)


def refresh(request: WebRequest, place: Place, id: str, _form: Form) -> Response[str]:
    """A new token, shown on the page that answers and never again."""
    one = asset_at(request, place, id, deleted=False)
    try:
        made = registry_of(request).refresh_token(by_of(request), place.kind, id)
    except Problem as problem:
        return detail.show(request, one, problem=problem)
    return detail.show(request, made.asset, token=made.token or "")


def scope(request: WebRequest, place: Place, id: str, form: Form) -> Response[str]:
    """Public or private."""
    one, public = asset_at(request, place, id, deleted=False), bool(form.text("public"))
    done = tried(
        lambda: registry_of(request).set_access_scope(by_of(request), place.kind, id, public)
    )
    if isinstance(done, Problem):
        return detail.show(request, one, "settings", problem=done)
    return after(place.asset(id, "settings"), "public" if public else "private", place.kind)


def undelete(request: WebRequest, place: Place, id: str, _form: Form) -> Response[str]:
    one = asset_at(request, place, id)
    done = tried(lambda: registry_of(request).undelete(by_of(request), place.kind, id))
    if isinstance(done, Problem):
        return detail.show(request, one, problem=done)
    return after(asking.page_for(done), "undelete", place.kind)


def restore(request: WebRequest, place: Place, id: str, form: Form) -> Response[str]:
    """Back to an earlier version, which makes a new one."""
    one = asset_at(request, place, id, deleted=False)
    version = form.number("version") or 0
    done = tried(
        lambda: registry_of(request).restore(
            by_of(request), place.kind, id, version, revision=form.number("revision")
        )
    )
    if isinstance(done, Problem):
        return detail.show(request, one, "versions", problem=done)
    slug = "restored" if done.version != one.version else "same"
    return after(place.asset(id, "versions"), slug, place.kind)
