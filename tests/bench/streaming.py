"""Part 4: streams. How much they bring to HTTP and S3, how late, and who notices a sick one."""

from __future__ import annotations

import statistics
from pathlib import Path

from msgspec import Struct
from tests.bench import sample, sink, stream_effects, stream_rates, table
from tests.bench.ingest import served, warm
from tests.bench.reads import SPAN_US, fill
from tests.bench.stream_effects import POSTS_PER_S, Effect
from tests.bench.stream_rates import SHAPES, Rate
from tests.conftest import make_site
from tests.streaming.certificates import Authority
from tests.streaming.object_stores import Servers

from trailkeeper.activity import now_us

BODIES = 5_000


class Streaming(Struct, frozen=True):
    """`bare` is the loop that HTTP is compared with."""

    bare: list[Rate]
    http: list[Rate]
    s3: list[Rate]
    effects: list[Effect]

    @property
    def ratio(self) -> float:
        return _rate(self.http) / _rate(self.bare)


def measure(folder: Path, *, activities: int, seconds: float, rounds: int) -> Streaming:
    """Raises RuntimeError when something was not delivered."""
    site = make_site(folder / "streams")
    site.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
    fill(site.data, site.workspace, activities, start_us=now_us() - SPAN_US, span_us=SPAN_US)
    bodies = sample.encoded(BODIES)
    servers = Servers(folder, Authority())
    try:
        with sink.running() as to:
            bare = stream_rates.Bare(site, folder / "lines.db")
            loops: list[Rate] = []
            http: list[Rate] = []
            with served(site):
                for _ in range(rounds):
                    loops.append(bare.run(to))
                    http.append(stream_rates.to_http(site, to, activities))
                s3 = [
                    stream_rates.to_store(site, servers.place("seaweedfs"), shape, activities)
                    for shape in SHAPES
                ]
                # The store's server is gone before anybody is timed by the millisecond.
                servers.close()
                warm(site, bodies)
                effects = stream_effects.measure(
                    site, to, bodies, seconds=seconds, rounds=min(rounds, 2)
                )
            bare.close()
    finally:
        servers.close()
    return Streaming(loops, http, s3, effects)


def show(found: Streaming) -> None:
    count = max(rate.activities for rate in found.http)
    lines = [
        [one.name, table.whole(one.activities), f"{one.seconds:.2f}", table.whole(one.rate)]
        for one in (*found.bare, *found.http, *found.s3)
    ]
    table.show(
        f"Streams of a log of {count:,} activities (HTTP: {found.ratio:.2f} of the bare loop)",
        ["to", "activities", "seconds", "act./s"],
        lines,
    )
    cases: dict[str, list[Effect]] = {}
    for one in found.effects:
        cases.setdefault(one.case, []).append(one)
    alone = statistics.median(one.p99_ms for one in cases["none"])
    table.show(
        f"Single posts at {POSTS_PER_S:.0f}/s beside streams whose destinations are …",
        ["destinations", "posts", "p50 ms", "p99 ms", "p99 to none", "tries", "well: p50 ms",
         "p99 ms"],
        [_line(case, some, alone) for case, some in cases.items()],
    )  # fmt: skip


def _line(case: str, some: list[Effect], alone: float) -> list[str]:
    p99 = statistics.median(one.p99_ms for one in some)
    return [
        case,
        str(sum(one.posts for one in some)),
        table.ms(statistics.median(one.p50_ms for one in some)),
        table.ms(p99),
        f"{p99 / alone:.2f}",
        str(sum(one.tries for one in some)),
        *(_median([one.delay_p50_ms for one in some]), _median([one.delay_p99_ms for one in some])),
    ]


def _median(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return table.ms(statistics.median(known)) if known else ""


def _rate(rates: list[Rate]) -> float:
    return statistics.median(one.rate for one in rates)
