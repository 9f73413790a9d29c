"""The list of jobs as its page shows it: the filter bar and the rows."""

from __future__ import annotations

from msgspec import Struct

from trailkeeper.activity import from_us
from trailkeeper.catalogue import humanise
from trailkeeper.jobs.job import Summary
from trailkeeper.jobs.listing import Recipe
from trailkeeper.jobs.message import message_of
from trailkeeper.jobs.status import STATES, State
from trailkeeper.web.clock import Clock
from trailkeeper.web.filter_bar import RANGE_LABELS, Chip, Option, span_label
from trailkeeper.web.job_urls import JobAddress, job_path
from trailkeeper.web.text import visible

ERROR_SHOWN = 300

_LOOKS: dict[State, tuple[str, str]] = {
    "pending": ("clock", "idle"),
    "running": ("play", "idle"),
    "unknown": ("circle-help", "warn"),
    "succeeded": ("check", "good"),
    "failed": ("octagon-x", "bad"),
    "canceled": ("ban", "warn"),
}
"""The icon and tone of each state; the icons differ in shape, too."""


class Standing(Struct, frozen=True):
    """How a job stands, as a badge."""

    label: str
    icon: str
    tone: str


class Started(Struct, frozen=True):
    iso: str
    relative: str
    exact: str


class JobRow(Struct, frozen=True, kw_only=True):
    href: str
    title: str
    standing: Standing
    error: str
    is_test: bool
    recipe: str
    recipe_href: str
    started: Started
    duration: str


class JobBar(Struct, frozen=True, kw_only=True):
    """The filter bar; its fields for the time are those of the Audit page's."""

    ranges: list[Option]
    range_label: str
    is_custom: bool
    since: str
    until: str
    zone: str
    states: list[Option]
    state_label: str
    recipes: list[Option]
    text: str
    chips: list[Chip]


def job_bar(address: JobAddress, recipes: list[Recipe], zone: str) -> JobBar:
    """The bar for a filter. Works for a wrong filter too, so that it can be put right."""
    since, until = address.value("from"), address.value("to")
    is_custom = bool(since or until)
    chosen = "custom" if is_custom else address.value("range") or "any"
    range_label = span_label(since, until) if is_custom else RANGE_LABELS.get(chosen, chosen)
    statuses = address.values("status")
    offered = [*STATES, *(one for one in statuses if one not in STATES)]
    states = [Option(one, visible(humanise(one)), one in statuses) for one in offered]
    labels = [one.label for one in states if one.checked]
    return JobBar(
        ranges=[Option(value, label, value == chosen) for value, label in RANGE_LABELS.items()],
        range_label=range_label,
        is_custom=is_custom,
        since=since,
        until=until,
        zone=address.value("tz") or zone,
        states=states,
        state_label=", ".join(labels) if labels else "Any status",
        recipes=_recipe_options(address.value("recipe_id"), recipes),
        text=address.value("q"),
        chips=_chips(address, recipes, range_label),
    )


def job_rows(jobs: list[Summary], address: JobAddress, clock: Clock) -> list[JobRow]:
    return [_row(one, address, clock) for one in jobs]


def standing_of(job: Summary) -> Standing:
    icon, tone = _LOOKS[job.state]
    return Standing(humanise(job.status), icon, tone)


def started_of(job: Summary, clock: Clock) -> Started:
    at = from_us(job.started_at)
    return Started(at.isoformat(), clock.relative(at), clock.exact(at))


def duration_of(job: Summary) -> str:
    """How long a finished job took; empty for another. Many senders say whole seconds only."""
    if job.seq is None or job.completed_at is None:
        return ""
    if job.completed_at == job.started_at:
        return "under 1 s"
    return duration_text((job.completed_at - job.started_at) / 1e6)


def duration_text(seconds: float) -> str:
    """`0.8 ms`, `12 ms`, `3.4 s`, `37 s`, `2 min 5 s`, `3 h 20 min`."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        milliseconds = seconds * 1_000
        return f"{milliseconds:.1f} ms" if 0 < milliseconds < 10 else f"{milliseconds:.0f} ms"
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _row(job: Summary, address: JobAddress, clock: Clock) -> JobRow:
    error = message_of(job.error) if job.error and job.state == "failed" else ""
    return JobRow(
        href=job_path(job.id),
        title=visible(job.title or f"Job {job.id}"),
        standing=standing_of(job),
        error=visible(" ".join(error[:ERROR_SHOWN].split())),
        is_test=job.is_test,
        recipe=visible(job.recipe_name or job.recipe_id),
        recipe_href=address.only_recipe(job.recipe_id).href(),
        started=started_of(job, clock),
        duration=duration_of(job),
    )


def _recipe_options(chosen: str, recipes: list[Recipe]) -> list[Option]:
    options = [Option(one.id, visible(one.name or one.id), one.id == chosen) for one in recipes]
    if chosen and not any(one.checked for one in options):
        options.insert(0, Option(chosen, visible(chosen), True))
    return options


def _chips(address: JobAddress, recipes: list[Recipe], range_label: str) -> list[Chip]:
    chips: list[Chip] = []
    if range_label != RANGE_LABELS["any"]:
        times = address.without("range", "from", "to", "tz")
        chips.append(Chip("Time", visible(range_label), times.href()))
    names = {one.id: one.name for one in recipes}
    labels = {"status": "Status", "recipe_id": "Recipe", "q": "Search"}
    for param, value in address.pairs:
        if label := labels.get(param):
            text = humanise(value) if param == "status" else names.get(value) or value
            chips.append(Chip(label, visible(text), address.without_pair(param, value).href()))
    return chips
