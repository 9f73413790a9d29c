"""How streams stand, in a few words for people."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.streaming.overview import Part


class Badge(Struct, frozen=True):
    """A state: `tone` is its colour, and the icon tells it without."""

    label: str
    tone: str
    icon: str


_BADGES = {
    "running": Badge("Running", "good", "play"),
    "failing": Badge("Failing", "bad", "triangle-alert"),
    "paused": Badge("Paused", "warn", "circle-stop"),
    "off": Badge("Off", "idle", "power-off"),
}


def badge(state: str) -> Badge:
    return _BADGES[state]


def lag_text(part: Part) -> str:
    """`up to date`, `12 activities · 3 s behind`."""
    count = part.lag.count
    if not count:
        return "up to date"
    return f"{counted(count, part.nouns)} · {duration(part.lag.seconds)} behind"


def counted(count: int, nouns: tuple[str, str]) -> str:
    """`1 activity`, `1,200 activities`."""
    return f"{count:,} {nouns[count != 1]}"


def rate(per_minute: float) -> str:
    """`0`, `2.4`, `1,200`: what there is a minute."""
    return f"{per_minute:.1f}" if 0 < per_minute < 10 else f"{per_minute:,.0f}"


def duration(seconds: float) -> str:
    """`3 s`, `5 min`, `2 h`, `3 days`."""
    for size, unit, units in ((86_400, "day", "days"), (3_600, "h", "h"), (60, "min", "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit if count == 1 else units}"
    return f"{max(1, round(seconds))} s"


def took(microseconds: int) -> str:
    """`12 ms`, `1.4 s`."""
    if microseconds < 1_000_000:
        return f"{max(1, round(microseconds / 1_000))} ms"
    return f"{microseconds / 1e6:.1f} s"


def size(count: int | None) -> str:
    """`312 B`, `4.1 KB`, `2.0 MB`; nothing where it is not known."""
    if count is None:
        return ""
    for unit, name in ((1_000_000, "MB"), (1_000, "KB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"
