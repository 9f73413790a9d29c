"""How late a stream delivers, and what recording and a second stream notice of a sick destination.

Single posts at a fixed rate: without any stream; with one to a destination that is well, hangs,
fails or answers a byte a second; and with a second stream beside the sick one, which is well.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from msgspec import Struct
from tests.bench import steady
from tests.bench.sink import Came, Sink
from tests.bench.stream_rates import STREAMS
from tests.conftest import Site

POSTS_PER_S = 500.0
CASES: tuple[tuple[str, ...], ...] = (
    (),
    ("well",),
    ("hang",),
    ("fail",),
    ("drip",),
    ("hang", "well"),
    ("fail", "well"),
    ("drip", "well"),
)
"""The destinations of a run's streams, as the sink's paths name them."""

CATCH_UP_S = 60.0


class Effect(Struct, frozen=True):
    """Single posts while there are streams. `delay` is from when an activity was sent to
    Trailkeeper until the stream that is well has delivered it; None where there is none."""

    case: str
    posts: int
    p50_ms: float
    p99_ms: float
    delay_p50_ms: float | None
    delay_p99_ms: float | None
    tries: int
    """Requests that came to the first destination."""


def measure(
    site: Site, sink: Sink, bodies: list[bytes], *, seconds: float, rounds: int
) -> list[Effect]:
    """Each case once a round, in turns."""
    found: list[Effect] = []
    for _ in range(rounds):
        found += [_once(site, sink, bodies, case, seconds) for case in CASES]
    return found


def _once(
    site: Site, sink: Sink, bodies: list[bytes], case: tuple[str, ...], seconds: float
) -> Effect:
    with ExitStack() as streams:
        for name in case:
            sink.forget(f"/{name}")
            streams.enter_context(_stream(site, sink, name))
        result = steady.run(site.port, site.token, bodies, POSTS_PER_S, seconds)
        posts = len(result.latencies)
        delays = _all_delivered(sink, posts).delays_ms if "well" in case else None
        tries = sink.came(f"/{case[0]}").requests if case else 0
    return Effect(
        case=" + ".join(case) or "none",
        posts=posts,
        p50_ms=result.percentile(0.5),
        p99_ms=result.percentile(0.99),
        delay_p50_ms=_part(delays, 0.5),
        delay_p99_ms=_part(delays, 0.99),
        tries=tries,
    )


def _all_delivered(sink: Sink, posts: int) -> Came:
    end = time.monotonic() + CATCH_UP_S
    while len((came := sink.came("/well")).delays_ms) < posts:
        if time.monotonic() > end:
            raise RuntimeError(f"{len(came.delays_ms)} of {posts} activities were delivered")
        time.sleep(0.1)
    return came


def _part(values: list[float] | None, part: float) -> float | None:
    if values is None:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


@contextmanager
def _stream(site: Site, sink: Sink, name: str) -> Iterator[None]:
    """A stream to that path of the sink while the block runs."""
    asked = {
        "name": name,
        "enabled": True,
        "destination": {"type": "http", "settings": {"url": sink.url(f"/{name}")}},
    }
    with site.http() as http:
        path = f"{STREAMS}/{http.post(STREAMS, json=asked).raise_for_status().json()['id']}"
        yield
        http.delete(path).raise_for_status()
