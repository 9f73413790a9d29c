"""How many activities match a filter over time."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from trailkeeper.activity import CLOCK_SKEW_MAX_S, now_us
from trailkeeper.ledger.backend import Database
from trailkeeper.ledger.counts import count_between
from trailkeeper.ledger.keys import SLOT_BITS, first_key
from trailkeeper.ledger.rollup import HOUR_KEYS, ends
from trailkeeper.query.buckets import Interval, borders_of, fitting, interval_of
from trailkeeper.query.filters import Filter


class Bucket(Struct, frozen=True):
    """The activities from `start` to before `end`, in microseconds since 1970."""

    start: int
    end: int
    count: int
    failures: int


class Histogram(Struct, frozen=True, kw_only=True):
    """Buckets without a gap, the empty ones too, over the range from `since` to before `until`;
    none where nothing can be. Not `exact`: older activities were not counted any more."""

    interval: Interval
    since: int | None = None
    until: int | None = None
    buckets: list[Bucket] = []
    exact: bool = True

    @property
    def total(self) -> int:
        return sum(bucket.count for bucket in self.buckets)


def histogram_of(
    database: Database, workspace: int, asked: Filter, interval: str, zone: ZoneInfo
) -> Histogram:
    """Raises ParamError for an interval that there is not, or that makes too many buckets."""
    wanted = interval_of(interval)
    asked = with_fixed_times(asked)
    log = span_of(database, workspace)
    span = _range(asked, log)
    if span is None:
        return Histogram(interval=wanted or "day")
    since, until = span
    chosen = wanted or fitting(since, until, zone)
    if chosen is None:
        chosen = "month"
        since = max(since, min(log[0], until - 1)) if log else since
    borders = borders_of(since, until, chosen, zone)
    counts = count_between(database, workspace, asked, [first_key(border) for border in borders])
    return Histogram(
        interval=chosen,
        since=since,
        until=until,
        buckets=[
            Bucket(start, end, count, failures)
            for (start, end), count, failures in zip(
                pairwise(borders), counts.matches, counts.failures, strict=True
            )
        ],
        exact=counts.exact,
    )


def span_of(database: Database, workspace: int) -> tuple[int, int] | None:
    """When the first and the last activity of a workspace occurred."""
    hours = ends(database, workspace)
    if hours is None:
        return None
    first, last = database.ends(workspace, hours[0] * HOUR_KEYS, (hours[1] + 1) * HOUR_KEYS)
    return first >> SLOT_BITS, last >> SLOT_BITS


def with_fixed_times(asked: Filter) -> Filter:
    """The filter with a range that ends now as a time, so that all that is counted agrees on it."""
    if asked.within is None:
        return asked
    since = now_us() - asked.within * 1_000_000
    return replace(asked, since=max(asked.since or 0, since), within=None)


def _range(asked: Filter, log: tuple[int, int] | None) -> tuple[int, int] | None:
    """What was asked for; where it is open, up to the log's own ends or to now. Nothing is before
    1970 or later than the latest time that is taken."""
    first, last = log or (None, now_us())
    since = first if asked.since is None else max(asked.since, 0)
    if since is None:
        return None
    now = max(now_us(), last + 1)
    latest = now + CLOCK_SKEW_MAX_S * 1_000_000
    if asked.until is not None:
        until = min(asked.until, latest)
    else:
        until = last + 1 if asked.since is None else now
    return (since, until) if since < until else None
