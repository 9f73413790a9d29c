"""What was delivered over time, as bars of an SVG: above the line what was delivered, below it that
tries failed. The page's style sheet gives the colours."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from trailkeeper.followers.deliveries import Minute

FAILED_HEIGHT = 4
GAP = 1


class Chart(Struct, frozen=True):
    """`delivered` and `failed` are paths. `summary` says in words what is to be seen."""

    width: int
    height: int
    line: int
    delivered: str
    failed: str
    summary: str
    most: int


def chart(
    minutes: Iterable[Minute],
    now: int,
    *,
    span: int,
    step: int,
    width: int,
    height: int,
    noun: str = "activities",
) -> Chart:
    """Of the last `span` minutes until `now`, a bar for each `step` minutes."""
    bars = span // step
    delivered, failed = [0] * bars, [0] * bars
    for one in minutes:
        number = bars - 1 - (now - one.minute) // step
        if 0 <= number < bars:
            delivered[number] += one.delivered
            failed[number] += one.failed
    most = max(delivered)
    line = height - FAILED_HEIGHT - 1
    each = width / bars
    tall = [max(1.0, count / most * (line - 1)) if count else 0.0 for count in delivered]
    return Chart(
        width=width,
        height=height,
        line=line,
        delivered="".join(
            _bar(number * each, line - top, each - GAP, top)
            for number, top in enumerate(tall)
            if top
        ),
        failed="".join(
            _bar(number * each, line + 1, each - GAP, FAILED_HEIGHT)
            for number, count in enumerate(failed)
            if count
        ),
        summary=_summary(sum(delivered), sum(failed), span, noun),
        most=most,
    )


def _bar(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z"


def _summary(delivered: int, failed: int, span: int, noun: str) -> str:
    hours = span // 60
    when = "the last hour" if hours == 1 else f"the last {hours} hours"
    tries = f"{failed:,} {'try' if failed == 1 else 'tries'} failed"
    return f"In {when}, {delivered:,} {noun} were delivered and {tries}"
