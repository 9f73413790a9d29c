"""The list of streams, and a new one."""

from __future__ import annotations

from litestar import Response
from msgspec import Struct

from trailkeeper.errors import Problem
from trailkeeper.followers.deliveries import this_minute
from trailkeeper.streaming.overview import Part
from trailkeeper.streaming.stream import FIRST_NAME, Stream, describe
from trailkeeper.web.forms import Sent, attempt
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import SETTINGS, check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, session_of
from trailkeeper.web.streams.chart import Chart, chart
from trailkeeper.web.streams.show import HEADING, MANAGE, STREAMS, path_of
from trailkeeper.web.streams.text import Badge, badge, lag_text, rate


class PartCell(Struct, frozen=True):
    """One of the logs of a stream, in the list."""

    label: str
    lag: str
    rate: str
    spark: Chart


class Row(Struct, frozen=True):
    """A stream in the list. `error` is the last one there was; while `is_in_trouble`, it is what
    keeps the stream from going on."""

    name: str
    href: str
    where: str | None
    badge: Badge
    parts: list[PartCell]
    error: str | None
    error_at: int | None
    is_in_trouble: bool


class NewForm(Struct):
    name: str = ""
    begin: str = "next"
    csrf: str = ""


@page(STREAMS, MANAGE)
def streams_page(request: WebRequest) -> Response[str]:
    found = installation_of(request).streams.listed(session_of(request).workspace)
    return SETTINGS.page(
        request, "streams.html", HEADING, rows=[_row(request, one) for one in found]
    )


@page(f"{STREAMS}/new", MANAGE)
def new_stream_page(request: WebRequest) -> Response[str]:
    there = installation_of(request).streams.listed(session_of(request).workspace)
    return _new(request, NewForm(name="" if there else FIRST_NAME))


@form(f"{STREAMS}/new", MANAGE)
def create_stream(request: WebRequest, data: Sent[NewForm]) -> Response[str]:
    check_form(request, data.csrf)
    by, streams, made = by_of(request), installation_of(request).streams, list[Stream]()
    from_start = data.begin == "start"
    problem = attempt(lambda: made.append(streams.create(by, data.name, from_start=from_start)))
    if problem:
        return _new(request, data, problem)
    return done(path_of(made[0].id, "/settings"), "stream-made")


def _new(request: WebRequest, data: NewForm, problem: Problem | None = None) -> Response[str]:
    return SETTINGS.page(
        request, "stream_new.html", HEADING, problem=problem, name=data.name, begin=data.begin
    )


def _row(request: WebRequest, one: Stream) -> Row:
    overview = installation_of(request).stream_overviews.of(one)
    trouble = overview.latest_trouble
    return Row(
        name=one.name,
        href=path_of(one.id),
        where=describe(one),
        badge=badge(overview.state),
        parts=[_cell(part) for part in overview.parts],
        error=trouble.last_error if trouble else None,
        error_at=trouble.last_error_at if trouble else None,
        is_in_trouble=overview.state in ("failing", "paused"),
    )


def _cell(part: Part) -> PartCell:
    spark = chart(
        part.minutes, this_minute(), span=60, step=1, width=120, height=28, noun=part.nouns[1]
    )
    return PartCell(part.label, lag_text(part), rate(part.throughput.last_5_minutes), spark)


ROUTES = [streams_page, new_stream_page, create_stream]
