"""What is measured at each stage: disk, recording beside the bare loop, and every read."""

from __future__ import annotations

import os
import statistics
import sys
import time

from tests.bench import load, machine, reads, steady
from tests.bench.bare import prepared
from tests.bench.growth.figures import Ingest, Latency, Stage
from tests.bench.growth.fill import FIRST, Filled, Log
from tests.bench.ingest import Case, send, served
from tests.bench.stores import Store
from tests.conftest import Site

from trailkeeper.installation import Installation
from trailkeeper.ledger.append import Receipt
from trailkeeper.ledger.prepare import Prepared

BATCH = 1_000
POSTS_PER_S = 200.0

PRODUCT, BARE = "the writer, batches of 1,000", "{}, batches of 1,000"
BATCHES = Case("HTTP, batches of 1,000, 2 connections", 2, BATCH, 12_000)
SINGLES = Case("HTTP, single posts, 64 connections", 64, 1, 3_200)

BESIDE = (
    "latest",
    "by actor",
    "by asset",
    "by action",
    "7 days + actor + action",
    "rare word",
    "common word",
    "30 days by hour",
    "page: /audit",
)
"""The reads that are measured once more while posts arrive."""

OWN_MAX = 50
"""Trailkeeper's own activities of a stage, such as a log-in, are no more than this."""


def measure(store: Store, log: Log, filled: Filled, scale: float) -> Stage:
    """Take all figures of the log as it is now; its recording goes into the log, too.

    Raises RuntimeError when a read found too little, or when an activity that was acknowledged is
    not there.
    """
    start = time.perf_counter()
    number = log.number
    activities = log.count()
    parts = store.parts(log.site)
    ingest = _in_process(store, log, scale)
    shift = f"{log.now_s - time.time():.0f}"
    with served(log.site, sys.executable, "-m", "tests.bench.growth.then", shift) as site:
        ingest += [_over_http(site, log, case, scale) for case in (BATCHES, SINGLES)]
        asked = _reads(site, activities)
        rest = [_at_rest(site, read, scale) for read in asked]
        beside = _beside(site, log, asked, scale)
    recorded = log.count() - activities - (log.number - number)
    if not 0 <= recorded <= OWN_MAX:
        raise RuntimeError(f"There are {recorded:,} activities more than were recorded")
    return Stage(
        asked=number,
        activities=activities,
        large=activities // 2,
        filled=filled.activities,
        fill_us=filled.seconds / filled.activities * 1e6 if filled.activities else None,
        parts=parts,
        ingest=ingest,
        reads=rest,
        beside=beside,
        seconds=time.perf_counter() - start,
        load_average=os.getloadavg()[0],
    )


class _Costs:
    """What batches of BATCH activities have cost."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.cpu_s = 0.0

    def of(self, name: str) -> Ingest:
        count = len(self.seconds) * BATCH
        return Ingest(
            name,
            count,
            statistics.median(self.seconds) / BATCH * 1e6,
            sum(self.seconds) / count * 1e6,
            self.cpu_s / count * 1e6,
        )


def _in_process(store: Store, log: Log, scale: float) -> list[Ingest]:
    """The product's writer and the bare loop over the same database in turns; the first batch of
    each turn is not counted."""
    product, bare, beside = _Costs(), _Costs(), ""
    # So many that the index merges what it has got now and then, as it does in the long run.
    turns, batches = (3, 8) if scale >= 1 else (1, 2)
    for _ in range(turns):
        some = prepared(log.large((batches + 1) * BATCH))
        with log.opened() as installation:
            _write(installation, some, product)
        some = prepared(log.large((batches + 1) * BATCH))
        with log.travelled():
            loop = store.bare(log.site)
            beside = loop.name
            try:
                loop.insert(some[:BATCH], BATCH)
                made = loop.insert(some[BATCH:], BATCH)
                bare.seconds += made.each_s
                bare.cpu_s += made.cpu_s
            finally:
                loop.close()
    return [product.of(PRODUCT), bare.of(BARE.format(beside))]


def _write(installation: Installation, activities: list[Prepared], costs: _Costs) -> None:
    """Add the costs of each batch but the first, in which the writer looks up its dictionaries."""
    for start in range(0, len(activities), BATCH):
        batch = activities[start : start + BATCH]
        before, cpu = time.perf_counter(), time.process_time()
        outcomes = installation.writer.append(FIRST, batch)
        if start:
            costs.seconds.append(time.perf_counter() - before)
            costs.cpu_s += time.process_time() - cpu
        if not all(isinstance(one, Receipt) for one in outcomes):
            raise RuntimeError(f"Not everything was recorded: {outcomes[:3]!r}")


def _over_http(site: Site, log: Log, case: Case, scale: float) -> Ingest:
    """The cost of an activity is the server's whole time, however many connections share it."""
    step = case.items * case.connections
    count = max(step, int(case.count * scale) // step * step)
    bodies = log.large(count + step)
    warm = Case(case.name, case.connections, case.items, step)
    send(site, warm, bodies[:step])
    before = _cpu_s(site)
    result = send(site, Case(case.name, case.connections, case.items, count), bodies[step:])
    cpu = _since(before, site)
    median = result.percentile(0.5) / 1e3 / step * 1e6
    mean = 1e6 / (result.rate * case.items)
    return Ingest(case.name, count, median, mean, None if cpu is None else cpu / count * 1e6)


def _reads(site: Site, activities: int) -> list[reads.Read]:
    asked = reads.listings(site, activities // 2)
    cookie = reads.log_in(site)
    if cookie is None:
        raise RuntimeError("There is no page to log in to")
    return asked + reads.page_reads(cookie, reads.some_id(site))


def _at_rest(site: Site, read: reads.Read, scale: float) -> Latency:
    requests = max(10, int(300 * scale))
    before = _cpu_s(site)
    (timing,) = reads.timed(site, read, requests, (1,)).timings
    cpu = _since(before, site)
    asked = timing.requests + min(reads.WARM_UP, requests)
    each = None if cpu is None else cpu / asked * 1e3
    return Latency(read.name, timing.requests, timing.p50_ms, timing.p99_ms, read.found, each)


def _cpu_s(site: Site) -> float | None:
    assert site.process
    return machine.cpu_s(site.process.pid)


def _since(before: float | None, site: Site) -> float | None:
    """The processor time since then."""
    now = _cpu_s(site)
    return None if before is None or now is None else now - before


def _beside(site: Site, log: Log, asked: list[reads.Read], scale: float) -> list[Latency]:
    by_name = {read.name: read for read in asked}
    chosen = [by_name[name] for name in BESIDE]
    posts, results = steady.beside(
        site.port,
        site.token,
        log.large(1_000),
        POSTS_PER_S,
        [read.request for read in chosen],
        max(0.15, 4 * scale),
    )
    log.number += len(posts.latencies) - 1_000
    made = [_latency("the posts", posts, None)]
    for read, result in zip(chosen, results, strict=True):
        made.append(_latency(read.name, result.expect(200), read.found))
    return made


def _latency(name: str, result: load.Result, found: int | None) -> Latency:
    count = len(result.latencies)
    return Latency(name, count, result.percentile(0.5), result.percentile(0.99), found)
