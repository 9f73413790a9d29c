"""When the made-up activities happen: mostly on working days, in working hours.

There are as many each week, however long the log gets, so that what asks for the last seven or
thirty days finds as much at every stage.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

PER_WEEK = 32_000
"""5,000,000 activities are three years."""

HOUR_US = 3_600_000_000
WEEK_US = 168 * HOUR_US
MONDAY_US = 4 * 24 * HOUR_US
"""The first Monday of 1970 began so late."""


def _weight(hour: int) -> float:
    """How much happens in an hour of the week, of which the first is Monday's first."""
    day, hour = divmod(hour, 24)
    if day > 4:
        return 0.15
    return 1.0 if 8 <= hour < 18 else 0.25 if 6 <= hour < 22 else 0.08


_UNTIL = [0.0, *accumulate(_weight(hour) for hour in range(168))]
"""How much has happened in a week when an hour of it begins."""


class Clock:
    """Tells when each activity happens, number `count` of which happens at `end_us`."""

    def __init__(self, count: int, end_us: int) -> None:
        self._monday = (end_us - MONDAY_US) // WEEK_US * WEEK_US + MONDAY_US
        part = (end_us - self._monday) / HOUR_US
        hour = int(part)
        done = _UNTIL[hour] + (part - hour) * _weight(hour)
        self._first = done / _UNTIL[-1] * PER_WEEK - count

    def at(self, number: int) -> int:
        """In microseconds since 1970; it rises with the number."""
        weeks, rest = divmod(self._first + number, PER_WEEK)
        done = rest / PER_WEEK * _UNTIL[-1]
        hour = min(bisect_right(_UNTIL, done) - 1, 167)
        part = (done - _UNTIL[hour]) / _weight(hour)
        return self._monday + int(weeks) * WEEK_US + int((hour + part) * HOUR_US)
