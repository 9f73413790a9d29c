"""An asset's own trail: the rows of the log that are about it."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.assets.asset import Asset
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.params import parse_params
from trailkeeper.web.assets.places import PLACES, with_query
from trailkeeper.web.clock import clock_of
from trailkeeper.web.rows import Day, days
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import services_of, session_of
from trailkeeper.web.urls import Address

PAGE_SIZE = 50


class Trail(Struct, frozen=True, kw_only=True):
    """`chips` are the filters of a listing, of which a trail has none that could be dropped."""

    days: list[Day]
    more: str
    audit: str
    chips: tuple[()] = ()


def view_of(request: WebRequest, one: Asset) -> Trail:
    who, services = session_of(request), services_of(request)
    address = Address().plus("target", f"{one.kind}:{one.id}")
    asked, cursor = parse_params(address.pairs), request.query_params.get("cursor")
    try:
        page = services.audit.page(who.workspace, asked, limit=PAGE_SIZE, cursor=cursor)
    except CursorError:
        page = services.audit.page(who.workspace, asked, limit=PAGE_SIZE)
    words = services.vocabulary(who.workspace)
    path = PLACES[one.kind].asset(one.id, "activity")
    return Trail(
        days=days(page.activities, address, clock_of(request), words, None),
        more=with_query(path, cursor=page.next_cursor) if page.next_cursor else "",
        audit=address.href,
    )
