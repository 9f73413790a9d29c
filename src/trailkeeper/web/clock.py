"""Times as a reader sees them: their own zone or UTC, relative beside exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from trailkeeper.web.security import WebRequest

ZONE_COOKIE = "trailkeeper_zone"
CLOCK_COOKIE = "trailkeeper_clock"


class Clock(Struct, frozen=True):
    """The zone times are shown in. `local` is the browser's zone, empty where it is not known."""

    local: str
    utc: bool
    now: datetime

    @property
    def zone(self) -> tzinfo:
        return UTC if self.utc or not self.local else ZoneInfo(self.local)

    @property
    def zone_name(self) -> str:
        return "UTC" if self.utc or not self.local else self.local

    def day(self, instant: datetime) -> str:
        """`Today`, `Yesterday`, `Monday 16 November 2026`."""
        date = instant.astimezone(self.zone).date()
        today = self.now.astimezone(self.zone).date()
        if date == today:
            return "Today"
        if date == today - timedelta(days=1):
            return "Yesterday"
        year = "" if date.year == today.year else f" {date.year}"
        return f"{date:%A} {date.day} {date:%B}{year}"

    def date_key(self, instant: datetime) -> str:
        return instant.astimezone(self.zone).date().isoformat()

    def short(self, instant: datetime) -> str:
        """`14:03`."""
        return f"{instant.astimezone(self.zone):%H:%M}"

    def exact(self, instant: datetime) -> str:
        """`22 Nov 2026, 14:03:12.158 (UTC+1)`."""
        local = instant.astimezone(self.zone)
        milliseconds = local.microsecond // 1_000
        return f"{local.day} {local:%b %Y, %H:%M:%S}.{milliseconds:03d} ({_offset(local)})"

    def relative(self, instant: datetime) -> str:
        """`just now`, `5 min ago`, `3 h ago`, `2 days ago`, then the date."""
        seconds = (self.now - instant).total_seconds()
        if seconds < -60:
            return f"{instant.astimezone(self.zone):%d %b, %H:%M}"
        if seconds < 60:
            return "just now"
        if seconds < 3_600:
            return f"{int(seconds // 60)} min ago"
        if seconds < 86_400:
            return f"{int(seconds // 3_600)} h ago"
        if seconds < 7 * 86_400:
            days = int(seconds // 86_400)
            return "1 day ago" if days == 1 else f"{days} days ago"
        local = instant.astimezone(self.zone)
        same_year = local.year == self.now.astimezone(self.zone).year
        return f"{local.day} {local:%b}" if same_year else f"{local.day} {local:%b %Y}"


def clock_of(request: WebRequest) -> Clock:
    """The reader's clock, from two cookies that the page's script sets."""
    name = unquote(request.cookies.get(ZONE_COOKIE, ""))[:64]
    try:
        local = ZoneInfo(name).key if name else ""
    except (ZoneInfoNotFoundError, ValueError, OSError):
        local = ""
    return Clock(local, request.cookies.get(CLOCK_COOKIE) == "utc", datetime.now(UTC))


def _offset(local: datetime) -> str:
    minutes = int((local.utcoffset() or timedelta()).total_seconds() // 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02d}' if rest else ''}"
