"""The page of exports: a new one for a filter, and the list of those that there are.

A file itself comes from the API, which takes the browser's session for reads.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.activity import from_us
from trailkeeper.errors import NotFound, Problem
from trailkeeper.exports.export import UNDER_WAY, Export, Wish
from trailkeeper.exports.kinds import COMPRESSIONS, FORMATS
from trailkeeper.exports.wishes import wish_of
from trailkeeper.query.params import ParamError, parse_params
from trailkeeper.web.clock import clock_of
from trailkeeper.web.filter_bar import Chip, filter_bar
from trailkeeper.web.forms import Plain, Sent
from trailkeeper.web.render import render
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import Section, check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import VIEW_AUDIT, by_of, installation_of, services_of, session_of
from trailkeeper.web.streams.text import Badge, size
from trailkeeper.web.text import visible
from trailkeeper.web.urls import EXPORTS, Address

FILTER_MAX = 16_000

FORMAT_LABELS = {"jsonl": "JSON Lines", "csv": "CSV", "parquet": "Parquet"}
FORMAT_CHOICES = [
    ("csv", "CSV, for spreadsheets"),
    ("jsonl", "JSON Lines, as the API answers"),
    ("parquet", "Parquet, for data tools"),
]
COMPRESSION_CHOICES = [("none", "Not packed"), ("gzip", "gzip"), ("zstd", "zstd")]
ORDER_CHOICES = [("desc", "Newest first"), ("asc", "Oldest first")]

BADGES = {
    "queued": Badge("Waiting", "idle", "clock"),
    "running": Badge("Under way", "warn", "refresh-cw"),
    "done": Badge("Ready", "good", "check"),
    "failed": Badge("Failed", "bad", "octagon-x"),
}

SECTION = Section(
    "Exports",
    (),
    {
        "asked": "The export is made in the background; it appears below.",
        "deleted": "The export was deleted.",
    },
)


class NewForm(Struct):
    """`filter` is the query string of the Audit page."""

    format: str = "csv"
    compression: str = "none"
    order: str = "desc"
    filter: str = ""
    csrf: str = ""


class Row(Struct, frozen=True, kw_only=True):
    """An export in the list. `percent` is how far one under way is, where that is known."""

    id: str
    badge: Badge
    what: str
    packing: str
    filter: str
    filter_href: str
    count: str
    size: str
    percent: int | None
    who: str
    requested_at: int
    kept_until: str
    error: str
    download: str
    name: str


@page(EXPORTS, VIEW_AUDIT)
def exports_page(request: WebRequest) -> Response[str]:
    """The parameters are a filter of the Audit page, for a new export."""
    return _page(request, Address.read(request.query_params.multi_items()), NewForm())


@form(EXPORTS, VIEW_AUDIT)
def ask_for_export(request: WebRequest, data: Sent[NewForm]) -> Response[str]:
    check_form(request, data.csrf)
    address = Address.read(parse_qsl(data.filter[:FILTER_MAX]))
    installation = installation_of(request)
    try:
        wish = wish_of(data.format, data.compression, data.order, address.pairs)
        installation.exports.ask(by_of(request), wish)
    except Problem as problem:
        return _page(request, address, data, problem)
    installation.export_runner.look()
    return done(EXPORTS, "asked")


@form(f"{EXPORTS}/{{id:str}}/delete", VIEW_AUDIT)
def delete_export(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    installation = installation_of(request)
    try:
        installation.exports.delete(by_of(request), id)
    except NotFound:
        services_of(request).access.record_missed(by_of(request), request.url.path)
        raise NotFoundException from None
    installation.export_runner.look()
    return done(EXPORTS, "deleted")


def _page(
    request: WebRequest, address: Address, data: NewForm, problem: Problem | None = None
) -> Response[str]:
    session, clock = session_of(request), clock_of(request)
    exports = installation_of(request).exports
    found = exports.listed(session.workspace)
    chips: list[Chip] = []
    wrong = ""
    try:
        parse_params(address.pairs)
        words = services_of(request).vocabulary(session.workspace)
        audit = services_of(request).audit
        chips = filter_bar(audit, session.workspace, address, clock.zone_name, words).chips
    except ParamError as error:
        wrong = f"{error.param} {error}"
    errors = {one.pointer.lstrip("/"): one.detail for one in problem.errors} if problem else {}
    return render(
        request,
        "exports.html",
        session=session,
        status=problem.status if problem else 200,
        address=address,
        chips=chips,
        wrong=visible(wrong),
        form=data,
        formats=[choice for choice in FORMAT_CHOICES if choice[0] in FORMATS],
        compressions=[choice for choice in COMPRESSION_CHOICES if choice[0] in COMPRESSIONS],
        orders=ORDER_CHOICES,
        rows=[_row(request, one) for one in found],
        is_busy=any(one.state in UNDER_WAY for one in found),
        keep_days=exports.limits.keep_days,
        problem=problem.detail if problem else "",
        errors=errors,
        done="" if problem else SECTION.done.get(request.query_params.get("done", ""), ""),
    )


def _row(request: WebRequest, one: Export) -> Row:
    exports = installation_of(request).exports
    wish, who = one.wish, one.requester.actor
    address = Address.read(wish.params)
    is_done = one.state == "done"
    return Row(
        id=one.id,
        badge=BADGES[one.state],
        what=FORMAT_LABELS[wish.format],
        packing=_packing(wish),
        filter=visible(", ".join(f"{name}: {value}" for name, value in wish.params)),
        filter_href=address.href,
        count=f"{one.count:,}" if one.started_at else "",
        size=size(one.bytes) if one.bytes else "",
        percent=_percent(one),
        who=visible(who.name or who.id),
        requested_at=one.requested_at,
        kept_until=_day(request, exports.expires_at(one)),
        error=visible(one.error or ""),
        download=f"/api/v1/exports/{one.id}/download" if is_done else "",
        name=exports.file_name(one),
    )


def _day(request: WebRequest, us: int | None) -> str:
    """`7 Dec`, as the reader's calendar has it."""
    if us is None:
        return ""
    local = from_us(us).astimezone(clock_of(request).zone)
    return f"{local.day} {local:%b}"


def _packing(wish: Wish) -> str:
    order = dict(ORDER_CHOICES)[wish.order].lower()
    return order if wish.compression == "none" else f"{wish.compression}, {order}"


def _percent(one: Export) -> int | None:
    if one.state != "running" or not one.total:
        return None
    return min(99, one.count * 100 // one.total)


ROUTES = [exports_page, ask_for_export, delete_export]
