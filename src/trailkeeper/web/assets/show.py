"""What the pages of assets share: how they find their asset, how they are drawn, where they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import Response
from litestar.exceptions import NotFoundException

from trailkeeper.assets.asset import Asset
from trailkeeper.assets.registry import Registry
from trailkeeper.errors import NotFound, Problem
from trailkeeper.web.assets.deeds import done_slug, sentences
from trailkeeper.web.assets.places import PLACES, Place, page_of, with_query
from trailkeeper.web.errors import not_found, problem_page
from trailkeeper.web.render import go_to
from trailkeeper.web.sections import Section, Tab
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, services_of, session_of
from trailkeeper.web.urls import HOME, own_path

_PASSING = ("done", "gone", "cursor", "after")
"""Parameters that say what just happened or how far a list was read: not where the reader is."""


def registry_of(request: WebRequest) -> Registry:
    return installation_of(request).registry


def asset_at(request: WebRequest, place: Place, id: str, *, deleted: bool = True) -> Asset:
    """The asset that a page is about. Raises NotFoundException, for which the page of an unknown
    address is shown; a form that was sent for it is on record."""
    who = session_of(request)
    try:
        return registry_of(request).get(who.workspace, place.kind, id, deleted=deleted)
    except NotFound:
        if request.method == "POST":
            services_of(request).access.record_missed(by_of(request), request.url.path)
        raise NotFoundException from None


def draw(
    request: WebRequest,
    place: Place,
    template: str,
    heading: str,
    *,
    tabs: tuple[Tab, ...] = (),
    problem: Problem | None = None,
    **values: Any,
) -> Response[str]:
    """A page of a kind, with what was just done or what was wrong."""
    return Section(place.title, tabs, sentences()).page(
        request,
        template,
        heading,
        problem=problem,
        place=place,
        back=here(request),
        gone=gone_of(request),
        **values,
    )


def here(request: WebRequest) -> str:
    """The address of this page, to come back to."""
    if request.method != "GET":
        return ""
    kept = {name: value for name, value in request.query_params.items() if name not in _PASSING}
    return with_query(request.url.path, **kept)


def back_to(asked: str, otherwise: str) -> str:
    """Where a form wants to go afterwards, if that is a page of this site."""
    path = own_path(asked) if asked else HOME
    return otherwise if path == HOME else path


def after(path: str, name: str, kind: str, **more: str) -> Response[str]:
    """On to a page that says what was done with an asset of this kind."""
    return go_to(with_query(path, done=done_slug(name, kind), **more))


def tried(do: Callable[[], Asset]) -> Asset | Problem:
    """What came of it: the asset, or what kept it from being done."""
    try:
        return do()
    except Problem as problem:
        return problem


def not_there(request: WebRequest, _error: NotFound) -> Response[str]:
    """Something that went away meanwhile; a form that was sent for it is on record."""
    if request.method == "POST":
        services_of(request).access.record_missed(by_of(request), request.url.path)
    return not_found(request, _error)


PROBLEMS: dict[int | type[Exception], Any] = {
    NotFound: not_there,
    Problem: problem_page,
}
"""How problems are shown that no page shows itself."""


def gone_of(request: WebRequest) -> str:
    """The page of what was just deleted, from where it can be brought back."""
    kind, _, id = request.query_params.get("gone", "").partition(":")
    fits = kind in PLACES and id.isascii() and id.isdigit()
    return page_of(kind, id) if fits else ""
