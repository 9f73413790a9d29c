"""The Audit page: the listing, one activity, and what the pickers offer."""

from __future__ import annotations

import re

from litestar import Response, get
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.activity import Activity
from trailkeeper.ledger.facets import VALUES_MAX
from trailkeeper.ledger.recorder import OWN_SOURCE
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.filters import Filter
from trailkeeper.query.params import ParamError, parse_params
from trailkeeper.team.permissions import acts_as_self
from trailkeeper.web.assets.from_log import asset_pages
from trailkeeper.web.chart import chart_of, chart_path
from trailkeeper.web.clock import clock_of
from trailkeeper.web.filter_bar import choice_option, filter_bar
from trailkeeper.web.labels import type_label
from trailkeeper.web.pane import pane_of
from trailkeeper.web.render import go_to, render
from trailkeeper.web.rows import days
from trailkeeper.web.security import PAGE_HEADERS, WebRequest
from trailkeeper.web.services import Audit, Choice, Page, Role
from trailkeeper.web.session import SIGNED_IN, VIEW_AUDIT, services_of, session_of
from trailkeeper.web.text import visible
from trailkeeper.web.urls import AUDIT, Address, ArchiveAddress, export_path

PAGE_SIZE = 50
CHOICES = 30
EMPTY_FIELD = re.compile(r"=(?:&|$)")


class Wrong(Struct, frozen=True):
    """A parameter that makes no sense, and the page without it."""

    param: str
    message: str
    without: str


class Place(Struct, frozen=True):
    """Where to look: in the log, or in the archive."""

    name: str
    href: str
    is_current: bool


@get("/", opt={"permission": SIGNED_IN}, sync_to_thread=False, include_in_schema=False)
def home(request: WebRequest) -> Response[str]:
    """To the first page that the user may see."""
    session = session_of(request)
    if services_of(request).access.may_view_audit(session):
        return go_to(AUDIT)
    if "team.manage" in session.privileges:
        return go_to("/team")
    return go_to("/settings/account" if acts_as_self(session) else "/teams")


@get("/audit", opt={"permission": VIEW_AUDIT}, sync_to_thread=True, include_in_schema=False)
def audit_page(request: WebRequest) -> Response[str]:
    """The listing. A form's empty fields are tidied out of the address by a redirect."""
    address = Address.read(request.query_params.multi_items())
    if EMPTY_FIELD.search(request.url.query) and "hx-request" not in request.headers:
        return go_to(address.href)
    session, clock = session_of(request), clock_of(request)
    audit, workspace = services_of(request).audit, session.workspace
    words = services_of(request).vocabulary(workspace)
    found, wrong = _search(audit, workspace, address, request.query_params.get("cursor"))
    opened = request.query_params.get("open")
    activity = audit.get(workspace, opened) if opened else None
    with_chart = request.query_params.get("chart") == "1"
    nothing = found is not None and not found.activities
    shown = [*(found.activities if found else ()), *([activity] if activity else ())]
    pages = asset_pages(request, shown)
    return render(
        request,
        "audit.html",
        session=session,
        status=400 if wrong else 200,
        address=address,
        bar=filter_bar(audit, workspace, address, clock.zone_name, words),
        days=days(found.activities, address, clock, words, opened, pages) if found else [],
        more=address.with_extra(cursor=found.next_cursor) if found and found.next_cursor else "",
        is_later_page="cursor" in request.query_params,
        heading="Activity audit log",
        places=places_of(request, address),
        is_answered=False,
        never=not request.query_params and not pages and _is_empty(audit, workspace, found),
        nothing=nothing,
        has_words=bool(request.query_params.get("q")),
        wrong=wrong,
        has_chart=bool(found and found.activities),
        chart=chart_of(audit, workspace, address, clock) if with_chart else None,
        chart_href=address.with_extra(chart="1"),
        chart_src=chart_path(address),
        export_href=export_path(address),
        pane=pane_of(activity, address, clock, words, pages) if activity else None,
        missing=visible(opened) if opened and not activity else "",
        origin=str(request.base_url).rstrip("/"),
    )


@get("/audit/choices", opt={"permission": VIEW_AUDIT}, sync_to_thread=True, include_in_schema=False)
def choices(request: WebRequest) -> Response[str]:
    """Options of a picker, as HTML list items."""
    query = request.query_params
    role: Role = "target" if query.get("role") == "target" else "actor"
    session = session_of(request)
    kinds = query.getall("target_type", []) if role == "target" else []
    found = _choices(
        services_of(request).audit,
        session.workspace,
        role,
        query.get("text", "")[:255],
        kinds,
        _asked(request),
    )
    chosen = set(query.getall("chosen", []))
    return render(
        request,
        "choices.html",
        session=session,
        role=role,
        offers=[(choice_option(c, role, chosen), c, _aside(c, role)) for c in found],
        text=visible(query.get("text", "")),
    )


class Counts(Struct, frozen=True):
    """How many activities of a filter have each action and each type of target, and which of the
    two counts only the newest."""

    action: dict[str, int]
    target_type: dict[str, int]
    sampled: list[str]


@get(
    "/audit/counts",
    opt={"permission": VIEW_AUDIT},
    response_headers=PAGE_HEADERS,
    sync_to_thread=True,
    include_in_schema=False,
)
def counts(request: WebRequest) -> Counts:
    """The counts in the menus of activities and asset types."""
    audit, workspace = services_of(request).audit, session_of(request).workspace
    found = audit.facets(workspace, _asked(request), ("action", "target_type"), limit=VALUES_MAX)
    by_name = {
        name: {one.value: one.count for one in values} for name, values in found.values.items()
    }
    return Counts(by_name["action"], by_name["target_type"], [*found.sampled])


@get(
    "/audit/{activity_id:str}",
    opt={"permission": VIEW_AUDIT},
    sync_to_thread=True,
    include_in_schema=False,
)
def activity_page(request: WebRequest, activity_id: FromPath[str]) -> Response[str]:
    """One activity in full. Filter parameters only say which listing to go back to."""
    session, clock = session_of(request), clock_of(request)
    words = services_of(request).vocabulary(session.workspace)
    address = Address.read(request.query_params.multi_items())
    activity: Activity | None = services_of(request).audit.get(session.workspace, activity_id)
    pages = asset_pages(request, [activity] if activity else [])
    return render(
        request,
        "activity.html",
        session=session,
        status=200 if activity else 404,
        address=address,
        back="Activity audit log",
        pane=pane_of(activity, address, clock, words, pages) if activity else None,
        missing="" if activity else visible(activity_id),
        label=visible(words.label_of(activity.action)) if activity else "Not found",
    )


def places_of(request: WebRequest, address: Address) -> list[Place]:
    """The log and the archive, under the same filter; none where there is no archive."""
    installation = services_of(request).installation
    if installation is None or installation.archives.find(session_of(request).workspace) is None:
        return []
    in_archive = isinstance(address, ArchiveAddress)
    return [
        Place("Log", Address(address.pairs).href, not in_archive),
        Place("Archive", ArchiveAddress(address.pairs).href, in_archive),
    ]


def _is_empty(audit: Audit, workspace: int, found: Page | None) -> bool:
    """Whether there is nothing yet but our own doings. The page itself mostly tells."""
    shown = found.activities if found else ()
    return all(one.context.source == OWN_SOURCE for one in shown) and audit.is_empty(workspace)


def _search(
    audit: Audit, workspace: int, address: Address, cursor: str | None
) -> tuple[Page | None, Wrong | None]:
    try:
        asked = parse_params(address.pairs)
        return audit.page(workspace, asked, limit=PAGE_SIZE, cursor=cursor), None
    except ParamError as error:
        return None, Wrong(error.param, visible(str(error)), address.without(error.param).href)
    except CursorError as error:
        return None, Wrong("cursor", visible(str(error)), address.href)


def _asked(request: WebRequest) -> Filter:
    """The filter that stands in the address; an empty one for a wrong one, of which the page
    tells."""
    try:
        return parse_params(Address.read(request.query_params.multi_items()).pairs)
    except ParamError:
        return Filter()


def _choices(
    audit: Audit, workspace: int, role: Role, text: str, kinds: list[str], asked: Filter
) -> list[Choice]:
    wanted: list[str | None] = [*kinds] if kinds else [None]
    found = [
        choice
        for kind in wanted[:CHOICES]
        for choice in audit.choices(workspace, role, text, type=kind, asked=asked, limit=CHOICES)
    ]
    return found[:CHOICES]


def _aside(choice: Choice, role: Role) -> str:
    """What tells two of the same name apart."""
    if role == "target":
        return f"{type_label(choice.type)} {visible(choice.id)}"
    if choice.type != "user":
        return type_label(choice.type)
    return visible(choice.email or choice.id) if choice.name else ""
