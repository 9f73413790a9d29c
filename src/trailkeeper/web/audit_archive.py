"""The Audit page over the archive: the same filter, rows and details."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath
from msgspec.structs import replace

from trailkeeper.activity import Activity
from trailkeeper.archive.records import Totals
from trailkeeper.archive.search import Found
from trailkeeper.errors import NotFound, Problem
from trailkeeper.query.cursor import CursorError
from trailkeeper.query.params import ParamError, parse_params
from trailkeeper.web.assets.from_log import asset_pages
from trailkeeper.web.audit import EMPTY_FIELD, PAGE_SIZE, Wrong, places_of
from trailkeeper.web.clock import Clock, clock_of
from trailkeeper.web.filter_bar import filter_bar
from trailkeeper.web.pane import Pane, pane_of
from trailkeeper.web.render import go_to, render
from trailkeeper.web.rows import Pages, days
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import VIEW_AUDIT, installation_of, services_of, session_of
from trailkeeper.web.text import visible
from trailkeeper.web.urls import ARCHIVE, ArchiveAddress, archived_path

SEQ_DIGITS = 18
HEADING = "Audit log archive"


@get(ARCHIVE, opt={"permission": VIEW_AUDIT}, sync_to_thread=True, include_in_schema=False)
def archive_page(request: WebRequest) -> Response[str]:
    """The listing. A form's empty fields are tidied out of the address by a redirect."""
    address = ArchiveAddress.read(request.query_params.multi_items())
    if EMPTY_FIELD.search(request.url.query) and "hx-request" not in request.headers:
        return go_to(address.href)
    session, clock = session_of(request), clock_of(request)
    words = services_of(request).vocabulary(session.workspace)
    totals = _totals(request)
    found, wrong, problem = None, None, None
    activity, opened = None, request.query_params.get("open")
    if totals and totals.days:
        found, wrong, problem = _search(request, address)
        if opened and not problem:
            activity, problem = _one(request, opened)
    shown = [*(found.activities if found else ()), *([activity] if activity else ())]
    pages = asset_pages(request, shown)
    more = address.with_extra(cursor=found.next_cursor) if found and found.next_cursor else ""
    is_answered = bool(problem) or not (totals and totals.days)
    return render(
        request,
        "archive.html",
        session=session,
        status=problem.status if problem else 400 if wrong else 200,
        heading=HEADING,
        places=places_of(request, address),
        may_manage="streams.manage" in session.privileges,
        totals=totals,
        searched=found.searched if found else None,
        unfinished=bool(more),
        problem=visible(problem.detail) if problem else "",
        is_answered=is_answered or bool(found and more and not found.activities),
        address=address,
        bar=filter_bar(
            services_of(request).audit, session.workspace, address, clock.zone_name, words
        ),
        days=days(found.activities, address, clock, words, opened, pages, by_seq=True)
        if found
        else [],
        more=more,
        is_later_page="cursor" in request.query_params,
        never=False,
        nothing=found is not None and not found.activities,
        has_words=bool(request.query_params.get("q")),
        wrong=wrong,
        has_chart=False,
        chart=None,
        chart_href="",
        chart_src="",
        pane=_pane(activity, address, clock, request, pages) if activity else None,
        missing=visible(opened) if opened and not activity else "",
        origin=str(request.base_url).rstrip("/"),
    )


@get(
    f"{ARCHIVE}/{{seq:str}}",
    opt={"permission": VIEW_AUDIT},
    sync_to_thread=True,
    include_in_schema=False,
)
def archived_page(request: WebRequest, seq: FromPath[str]) -> Response[str]:
    """One archived activity in full, by its seq."""
    session, clock = session_of(request), clock_of(request)
    words = services_of(request).vocabulary(session.workspace)
    address = ArchiveAddress.read(request.query_params.multi_items())
    activity, problem = _one(request, seq)
    pages = asset_pages(request, [activity] if activity else [])
    label = visible(words.label_of(activity.action)) if activity else "Not found"
    return render(
        request,
        "activity.html",
        session=session,
        status=problem.status if problem else 200 if activity else 404,
        address=address,
        back=HEADING,
        pane=_pane(activity, address, clock, request, pages) if activity else None,
        missing="" if activity else visible(seq),
        label="The archive cannot be read" if problem else label,
    )


def _totals(request: WebRequest) -> Totals | None:
    """What is in the archive; None without one."""
    archives = installation_of(request).archives
    one = archives.find(session_of(request).workspace)
    return archives.standing(one).totals if one else None


def _search(
    request: WebRequest, address: ArchiveAddress
) -> tuple[Found | None, Wrong | None, Problem | None]:
    search, cursor = installation_of(request).archive_search, request.query_params.get("cursor")
    try:
        asked = parse_params(address.pairs)
        found = search.page(session_of(request).workspace, asked, limit=PAGE_SIZE, cursor=cursor)
    except ParamError as error:
        without = address.without(error.param).href
        return None, Wrong(error.param, visible(str(error)), without), None
    except CursorError as error:
        return None, Wrong("cursor", visible(str(error)), address.href), None
    except Problem as problem:
        return None, None, problem
    return found, None, None


def _one(request: WebRequest, seq: str) -> tuple[Activity | None, Problem | None]:
    """The archived activity with this seq, or why it cannot be read."""
    if not (seq.isascii() and seq.isdecimal() and len(seq) <= SEQ_DIGITS):
        return None, None
    try:
        search = installation_of(request).archive_search
        return search.get(session_of(request).workspace, int(seq)), None
    except NotFound:
        return None, None
    except Problem as problem:
        return None, problem


def _pane(
    activity: Activity, address: ArchiveAddress, clock: Clock, request: WebRequest, pages: Pages
) -> Pane:
    words = services_of(request).vocabulary(session_of(request).workspace)
    made = pane_of(activity, address, clock, words, pages)
    return replace(made, permalink=archived_path(activity.seq))
