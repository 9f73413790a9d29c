"""What the pages of a stream share: how they find it, and what stands above each of them."""

from __future__ import annotations

from typing import Any

from litestar import Response
from litestar.exceptions import NotFoundException
from msgspec import Struct

from trailkeeper.errors import NotFound, Problem
from trailkeeper.streaming.overview import Overview
from trailkeeper.streaming.stream import Stream, describe
from trailkeeper.team.permissions import holds
from trailkeeper.web.sections import SETTINGS, Tab
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, needs, services_of, session_of
from trailkeeper.web.streams.text import Badge, badge

STREAMS = "/settings/audit-streaming"
HEADING = "Audit log streaming"
MANAGE = needs("the privilege to set up audit log streaming", holds("streams.manage"))

TABS = (
    ("", "Overview"),
    ("/settings", "Settings"),
    ("/deliveries", "Deliveries"),
    ("/dead-letters", "Dead letters"),
    ("/delete", "Delete"),
)


class Head(Struct, frozen=True):
    """What stands above each page of a stream."""

    path: str
    name: str
    where: str | None
    badge: Badge
    tabs: list[Tab]
    current: str
    dead_letters: int


def stream_at(request: WebRequest, id: str) -> Stream:
    """The stream that a page or form is about. Raises NotFoundException, for which the page of an
    unknown address is shown; a form that was sent for it is on record."""
    try:
        return installation_of(request).streams.get(session_of(request).workspace, id)
    except NotFound:
        if request.method == "POST":
            services_of(request).access.record_missed(by_of(request), request.url.path)
        raise NotFoundException from None


def path_of(id: str, tab: str = "") -> str:
    return f"{STREAMS}/{id}{tab}"


def draw(
    request: WebRequest,
    one: Stream,
    tab: str,
    template: str,
    *,
    problem: Problem | None = None,
    overview: Overview | None = None,
    **values: Any,
) -> Response[str]:
    """A page of a stream; `tab` is the end of its path."""
    seen = overview or installation_of(request).stream_overviews.of(one)
    head = Head(
        path=path_of(one.id),
        name=one.name,
        where=describe(one),
        badge=badge(seen.state),
        tabs=[Tab(path_of(one.id, end), name) for end, name in TABS],
        current=path_of(one.id, tab),
        dead_letters=sum(part.dead_letters for part in seen.parts),
    )
    return SETTINGS.page(
        request, template, HEADING, problem=problem, stream=one, overview=seen, head=head, **values
    )
