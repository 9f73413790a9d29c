"""Streams as the API shows them."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import State
from msgspec import Struct

from trailkeeper.activity import rfc3339
from trailkeeper.api.services import installation_of
from trailkeeper.followers.deliveries import Delivery, Outcome
from trailkeeper.streaming.destination import Compression, Packing
from trailkeeper.streaming.overview import Lag, Overview, Part, Throughput
from trailkeeper.streaming.stream import Mask, Stream
from trailkeeper.streaming.template import problem_of


class PartView(Struct, frozen=True, kw_only=True):
    """How a stream stands with its jobs; the fields are those of the stream."""

    paused: bool
    next_seq: int
    lag: Lag
    throughput: Throughput
    delivered: int
    delivered_at: str | None
    failures: int
    retry_at: str | None
    pause_reason: str | None
    last_error: str | None
    last_error_at: str | None
    dead_letters: int


class StreamView(Struct, frozen=True, kw_only=True):
    """`settings` show of secrets only that they are kept. `lag` is what is not delivered yet, and
    for how many seconds the oldest of it has been there; `next_seq` is the first of it.
    `throughput` is what was delivered a minute. `jobs` says the same of jobs, where the stream
    includes them; `state` is the worse of the two. With a `template_problem` messages are sent
    without the template."""

    id: str
    name: str
    enabled: bool
    state: str
    destination: str | None
    settings: dict[str, str]
    included: list[str]
    job_history: bool
    recipe_step_details: bool
    login_user_activity: bool
    format: str
    template: str
    template_problem: str | None
    query: str
    masks: dict[str, Mask]
    packing: Packing
    compression: Compression
    next_seq: int
    lag: Lag
    throughput: Throughput
    delivered: int
    delivered_at: str | None
    failures: int
    retry_at: str | None
    pause_reason: str | None
    last_error: str | None
    last_error_at: str | None
    dead_letters: int
    jobs: PartView | None


class StreamList(Struct, frozen=True):
    data: list[StreamView]


class DeadLetterView(Struct, frozen=True):
    seq: int
    reason: str
    at: str
    again: bool


class DeadLetters(Struct, frozen=True):
    """Activities are `data`, jobs are `jobs`; each has its own seqs."""

    data: list[DeadLetterView]
    jobs: list[DeadLetterView]


class DeliveryView(Struct, frozen=True, kw_only=True):
    """A try of the seqs `first` to `last`, of which `count` were to be sent. `bytes` counts
    those of the messages, where they were delivered."""

    number: int
    first: int
    last: int
    count: int
    bytes: int | None
    attempt: int
    started_at: str
    took_ms: float
    outcome: Outcome
    error: str | None


class DeliveryList(Struct, frozen=True):
    data: list[DeliveryView]


def view(request: Request[Any, Any, State], one: Stream) -> StreamView:
    """A stream with its settings and how it stands."""
    overview = installation_of(request).stream_overviews.of(one)
    return StreamView(
        id=one.id,
        name=one.name,
        enabled=one.enabled,
        state=overview.state,
        destination=one.destination,
        settings=one.settings,
        included=one.included,
        job_history=one.job_history,
        recipe_step_details=one.recipe_step_details,
        login_user_activity=one.login_user_activity,
        format=one.format,
        template=one.template,
        template_problem=problem_of(one.template),
        query=one.query,
        masks=one.masks,
        packing=one.packing,
        compression=one.compression,
        **_standing(one, overview.parts[0]),
        jobs=_jobs(one, overview),
    )


def _jobs(one: Stream, overview: Overview) -> PartView | None:
    found = [part for part in overview.parts if part.log == "jobs"]
    if not found:
        return None
    return PartView(paused=found[0].place.state == "paused", **_standing(one, found[0]))


def _standing(one: Stream, part: Part) -> dict[str, Any]:
    place = part.place
    return {
        "next_seq": place.cursor,
        "lag": part.lag,
        "throughput": part.throughput,
        "delivered": place.delivered,
        "delivered_at": _time(place.delivered_at),
        "failures": place.failures,
        "retry_at": _time(place.retry_at),
        "pause_reason": place.pause_reason if one.enabled else None,
        "last_error": place.last_error,
        "last_error_at": _time(place.last_error_at),
        "dead_letters": part.dead_letters,
    }


def _time(us: int | None) -> str | None:
    return rfc3339(us) if us else None


def delivery_view(one: Delivery) -> DeliveryView:
    return DeliveryView(
        number=one.number,
        first=one.first,
        last=one.end - 1,
        count=one.count,
        bytes=one.bytes,
        attempt=one.attempt,
        started_at=rfc3339(one.started_at),
        took_ms=one.took_us / 1_000,
        outcome=one.outcome,
        error=one.error,
    )
