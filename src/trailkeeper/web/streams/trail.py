"""What a stream has sent: its deliveries, its dead letters; and its end."""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath
from msgspec import Struct

from trailkeeper.errors import Problem
from trailkeeper.followers.deliveries import Delivery
from trailkeeper.followers.follower import Log
from trailkeeper.followers.places import DeadLetter
from trailkeeper.query.filters import Filter
from trailkeeper.streaming.overview import Overview, Part
from trailkeeper.streaming.stream import Stream
from trailkeeper.web.forms import Plain, Sent, attempt, many
from trailkeeper.web.routes import form, page
from trailkeeper.web.sections import check_form, done
from trailkeeper.web.security import WebRequest
from trailkeeper.web.session import by_of, installation_of, services_of, session_of
from trailkeeper.web.streams.overview import ONE
from trailkeeper.web.streams.show import MANAGE, STREAMS, draw, path_of, stream_at
from trailkeeper.web.streams.text import size, took
from trailkeeper.web.urls import activity_path

PAGE_SIZE = 100


class DeliveryRow(Struct, frozen=True):
    """A try; `range` are its seqs."""

    delivery: Delivery
    range: str
    size: str
    took: str


class DeadRow(Struct, frozen=True):
    """A dead letter; `href` leads to the activity where the reader may see it."""

    letter: DeadLetter
    href: str


class RetryForm(Struct):
    """Without a `seq`: all of them."""

    seq: str | list[str] = ""
    log: str = ""
    csrf: str = ""


@page(f"{ONE}/deliveries", MANAGE)
def deliveries_page(request: WebRequest, id: FromPath[str]) -> Response[str]:
    """The newest first; `outcome=failed` shows those only."""
    one, overviews = stream_at(request, id), installation_of(request).stream_overviews
    is_failed = request.query_params.get("outcome") == "failed"
    before = request.query_params.get("before", "")
    overview = overviews.of(one)
    part = _part(request.query_params.get("log", ""), overview)
    found = overviews.deliveries(
        part,
        limit=PAGE_SIZE + 1,
        outcome="failed" if is_failed else None,
        before=int(before) if before.isdecimal() and len(before) < 16 else None,
    )
    shown = found[:PAGE_SIZE]
    asked = f"log={part.log}&" + ("outcome=failed&" if is_failed else "")
    return draw(
        request,
        one,
        "/deliveries",
        "stream_deliveries.html",
        overview=overview,
        part=part,
        rows=[_row(delivery) for delivery in shown],
        is_failed=is_failed,
        older=f"?{asked}before={shown[-1].number}" if len(found) > PAGE_SIZE else "",
    )


@page(f"{ONE}/dead-letters", MANAGE)
def dead_letters_page(request: WebRequest, id: FromPath[str]) -> Response[str]:
    return _dead_letters(request, stream_at(request, id), request.query_params.get("log", ""))


@form(f"{ONE}/dead-letters/retry", MANAGE)
def retry_dead_letters(
    request: WebRequest, id: FromPath[str], data: Sent[RetryForm]
) -> Response[str]:
    check_form(request, data.csrf)
    one, installation, by = stream_at(request, id), installation_of(request), by_of(request)
    seqs = [int(seq) if seq.isdecimal() and len(seq) < 16 else -1 for seq in many(data.seq)]
    log: Log = "jobs" if data.log == "jobs" else "activities"
    problem = attempt(lambda: installation.streams.retry_dead_letters(by, id, seqs or None, log))
    if problem:
        return _dead_letters(request, one, log, problem)
    installation.followers.look()
    return done(path_of(id, f"/dead-letters?log={log}"), "letters-retried")


@page(f"{ONE}/delete", MANAGE)
def delete_stream_page(request: WebRequest, id: FromPath[str]) -> Response[str]:
    return draw(request, stream_at(request, id), "/delete", "stream_delete.html")


@form(f"{ONE}/delete", MANAGE)
def delete_stream(request: WebRequest, id: FromPath[str], data: Sent[Plain]) -> Response[str]:
    check_form(request, data.csrf)
    one, streams = stream_at(request, id), installation_of(request).streams
    problem = attempt(lambda: streams.delete(by_of(request), id))
    if problem:
        return draw(request, one, "/delete", "stream_delete.html", problem=problem)
    return done(STREAMS, "stream-deleted")


def _dead_letters(
    request: WebRequest, one: Stream, log: str, problem: Problem | None = None
) -> Response[str]:
    overviews = installation_of(request).stream_overviews
    overview = overviews.of(one)
    part = _part(log, overview)
    letters = overviews.dead_letters(part, PAGE_SIZE)
    return draw(
        request,
        one,
        "/dead-letters",
        "stream_dead_letters.html",
        problem=problem,
        overview=overview,
        part=part,
        rows=[DeadRow(letter, _href(request, one, part, letter)) for letter in letters],
    )


def _part(log: str, overview: Overview) -> Part:
    """The one that the reader has chosen; that of the activities in any case."""
    return next((part for part in overview.parts if part.log == log), overview.parts[0])


def _href(request: WebRequest, one: Stream, part: Part, letter: DeadLetter) -> str:
    if part.log == "jobs" or not services_of(request).access.may_view_audit(session_of(request)):
        return ""
    reader = installation_of(request).reader
    found = reader.between(one.workspace, letter.seq, letter.seq + 1, Filter())
    return activity_path(found[0].id) if found else ""


def _row(one: Delivery) -> DeliveryRow:
    last = one.end - 1
    return DeliveryRow(
        one,
        f"{one.first:,}" if one.first == last else f"{one.first:,} to {last:,}",
        size(one.bytes),
        took(one.took_us),
    )


ROUTES = [
    deliveries_page,
    dead_letters_page,
    retry_dead_letters,
    delete_stream_page,
    delete_stream,
]
