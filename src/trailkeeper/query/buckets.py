"""A range of time as buckets of equal units: minutes, hours, days, weeks or months of a time zone.

Days begin at local midnight, also where the clocks change that day; weeks begin on Monday.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from trailkeeper.activity import from_us, to_us
from trailkeeper.query.params import ParamError

Interval = Literal["minute", "hour", "day", "week", "month"]

INTERVALS: tuple[Interval, ...] = Interval.__args__
AUTO = "auto"
AUTO_MAX = 120
"""Where it is left to us, no more buckets than this."""

BUCKETS_MAX = 1_000

_LEAST_US: dict[Interval, int] = {
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 23 * 3_600_000_000,
    "week": (7 * 24 - 1) * 3_600_000_000,
    "month": (28 * 24 - 1) * 3_600_000_000,
}
"""How long each is at least."""


def interval_of(name: str) -> Interval | None:
    """The interval of this name, None for AUTO. Raises ParamError for what is neither."""
    for interval in INTERVALS:
        if interval == name:
            return interval
    if name == AUTO:
        return None
    known = ", ".join((AUTO, *INTERVALS))
    raise ParamError("interval", f"is `{name[:40]}`, must be one of {known}")


def fitting(since: int, until: int, zone: ZoneInfo) -> Interval | None:
    """The shortest interval that cuts the range into AUTO_MAX buckets at most, if there is one."""
    for interval in INTERVALS:
        if (until - since) // _LEAST_US[interval] <= 2 * AUTO_MAX:
            borders = borders_of(since, until, interval, zone)
            if len(borders) - 1 <= AUTO_MAX:
                return interval
    return None


def borders_of(since: int, until: int, interval: Interval, zone: ZoneInfo) -> list[int]:
    """Where the buckets that cover `since` to before `until` begin, and where the last one ends.

    Times are microseconds since 1970. Raises ParamError for more than BUCKETS_MAX buckets.
    """
    borders = [_start(since, interval, zone)]
    least = (until - borders[0]) // _LEAST_US[interval]
    if least > BUCKETS_MAX * 2:
        raise _too_many(interval, f"about {least:,}")
    while borders[-1] < until:
        borders.append(_next(borders[-1], interval, zone))
    if len(borders) - 1 > BUCKETS_MAX:
        raise _too_many(interval, f"{len(borders) - 1:,}")
    return borders


def _start(at: int, interval: Interval, zone: ZoneInfo) -> int:
    """The beginning of the bucket that a time is in."""
    local = from_us(at).astimezone(zone)
    if interval in ("minute", "hour"):
        whole = local.replace(second=0, microsecond=0)
        if interval == "hour":
            whole = whole.replace(minute=0)
        # Of the two hours of the same name when clocks go back, it is the one that `at` is in.
        return to_us(whole.astimezone(UTC))
    return _midnight(_first_day(local.date(), interval), zone)


def _next(start: int, interval: Interval, zone: ZoneInfo) -> int:
    if interval in ("minute", "hour"):
        return start + _LEAST_US[interval]
    # Where midnight is left out, a day begins later than that, but on the same date.
    day = from_us(start).astimezone(zone).date()
    if interval == "month":
        return _midnight((day.replace(day=1) + timedelta(days=31)).replace(day=1), zone)
    return _midnight(day + timedelta(days=1 if interval == "day" else 7), zone)


def _first_day(day: date, interval: Interval) -> date:
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def _midnight(day: date, zone: ZoneInfo) -> int:
    return to_us(datetime.combine(day, time(), zone).astimezone(UTC))


def _too_many(interval: Interval, count: str) -> ParamError:
    return ParamError(
        "interval",
        f"`{interval}` cuts this range into {count} buckets, at most {BUCKETS_MAX:,} are given;"
        " ask for a longer interval or a shorter range",
    )
