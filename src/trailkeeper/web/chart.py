"""The bars over the Audit page's listing: how many activities there are over time, drawn as SVG.

A bar leads to the listing of its own time. The same stands in a table, for those who do not see the
bars or work by keyboard.
"""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from litestar import Response, get
from msgspec import Struct

from trailkeeper.activity import from_us, to_us
from trailkeeper.ledger.histogram import Bucket, Histogram
from trailkeeper.query.buckets import AUTO, Interval
from trailkeeper.query.params import ParamError, parse_params
from trailkeeper.web.clock import Clock, clock_of
from trailkeeper.web.render import render
from trailkeeper.web.security import WebRequest
from trailkeeper.web.services import Audit
from trailkeeper.web.session import VIEW_AUDIT, services_of, session_of
from trailkeeper.web.urls import Address

WIDTH, HEIGHT = 1_000, 64
LEAST = 2
"""How high the lowest bar is drawn, so that it is seen."""

GAP = 0.15
"""What part of a bar's room stays free."""


class Part(Struct, frozen=True):
    """A rectangle of a bar; `kind` is `good` or `bad` where it has a colour."""

    x: float
    y: float
    width: float
    height: float
    kind: str = ""


class Bar(Struct, frozen=True, kw_only=True):
    """A bucket that has activities. `room` is all that can be clicked."""

    href: str
    label: str
    when: str
    count: int
    failures: int
    room: Part
    parts: list[Part]


class Chart(Struct, frozen=True, kw_only=True):
    """`summary` says it in one sentence; `first` and `last` are the ends of the time axis."""

    summary: str
    bars: list[Bar]
    first: str
    last: str
    width: int = WIDTH
    height: int = HEIGHT


def chart_path(address: Address) -> str:
    """Where the chart of a filter is."""
    return f"/audit/chart?{address.query}"


def chart_of(audit: Audit, workspace: int, address: Address, clock: Clock) -> Chart | None:
    """The chart of a filter; None where there is nothing to show or the filter is wrong."""
    try:
        asked = parse_params(address.pairs)
        if named := address.value("tz"):
            clock = Clock(named, False, clock.now)
        found = audit.histogram(workspace, asked, AUTO, ZoneInfo(clock.zone_name))
    except ParamError:
        return None
    if not found.total:
        return None
    return _draw(found, address, clock)


@get("/audit/chart", opt={"permission": VIEW_AUDIT}, sync_to_thread=True, include_in_schema=False)
def chart(request: WebRequest) -> Response[str]:
    """The chart of a filter, by itself; the page asks for it once it is shown."""
    address = Address.read(request.query_params.multi_items())
    session = session_of(request)
    drawn = chart_of(services_of(request).audit, session.workspace, address, clock_of(request))
    return render(request, "chart.html", session=session, chart=drawn)


def _draw(found: Histogram, address: Address, clock: Clock) -> Chart:
    highest = max(bucket.count for bucket in found.buckets)
    room = WIDTH / len(found.buckets)
    bars = [
        Bar(
            href=_narrowed(address, clock, bucket, found),
            label=f"{_name(clock, bucket.start, found.interval)}: {_counted(bucket)}",
            when=_name(clock, bucket.start, found.interval),
            count=bucket.count,
            failures=bucket.failures,
            room=Part(at * room, 0, room, HEIGHT),
            parts=_parts(bucket, at * room, room, highest),
        )
        for at, bucket in enumerate(found.buckets)
        if bucket.count
    ]
    failures = sum(bucket.failures for bucket in found.buckets)
    summary = f"{_activities(found.total)}, {failures:,} failed, by {found.interval}"
    return Chart(
        summary=summary if found.exact else f"The newest {summary}",
        bars=bars,
        first=_name(clock, found.buckets[0].start, found.interval),
        last=_name(clock, found.buckets[-1].start, found.interval),
    )


def _parts(bucket: Bucket, x: float, room: float, highest: int) -> list[Part]:
    """What succeeded, and on top of it what failed."""
    parts: list[Part] = []
    floor = float(HEIGHT)
    for kind, count in (("good", bucket.count - bucket.failures), ("bad", bucket.failures)):
        if count:
            height = max(LEAST, count / highest * (HEIGHT - LEAST))
            floor -= height
            parts.append(Part(x + room * GAP / 2, floor, room * (1 - GAP), height, kind))
    return parts


def _narrowed(address: Address, clock: Clock, bucket: Bucket, found: Histogram) -> str:
    """The listing of a bar's time, to the minute, and of nothing beyond the range asked for."""
    since, until = max(bucket.start, found.since or 0), min(bucket.end, found.until or bucket.end)
    minute = 60_000_000
    return Address(
        (
            *address.without_time().pairs,
            ("from", _local(clock, since // minute * minute)),
            ("to", _local(clock, -(-until // minute) * minute)),
            ("tz", clock.zone_name),
        )
    ).href


def _local(clock: Clock, at: int) -> str:
    """A time as the fields of the custom range have it; with an offset only where the same local
    time is there twice."""
    local = from_us(at).astimezone(clock.zone)
    plain = local.replace(tzinfo=None)
    is_plain = to_us(plain.replace(tzinfo=clock.zone).astimezone(UTC)) == at
    return (plain if is_plain else local).isoformat(timespec="minutes")


def _name(clock: Clock, at: int, interval: Interval) -> str:
    """`22 Nov, 14:05`, `Sun 22 Nov 2026`, `Week of 16 Nov 2026`, `November 2026`."""
    local = from_us(at).astimezone(clock.zone)
    if interval in ("minute", "hour"):
        return f"{local.day} {local:%b, %H:%M}"
    if interval == "month":
        return f"{local:%B %Y}"
    start = "Week of " if interval == "week" else f"{local:%a} "
    return f"{start}{local.day} {local:%b %Y}"


def _counted(bucket: Bucket) -> str:
    failed = f", {bucket.failures:,} failed" if bucket.failures else ""
    return f"{_activities(bucket.count)}{failed}"


def _activities(count: int) -> str:
    return "1 activity" if count == 1 else f"{count:,} activities"
