"""Part 4: what it costs to remove the oldest month of twelve, for the sweep and for everybody else.

The server is started twice on the same log: once with nothing to sweep, once with a month that has
come of age. Both times one client posts single activities at a steady rate and another one reads.
A latency counts from when the request was due, so that a server that stands still is not spared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as dbapi
import uvloop
from msgspec import Struct
from tests.bench import load, reads, sample, table
from tests.bench.ingest import PATH, served, warm
from tests.conftest import Site, make_site

from trailkeeper.activity import now_us
from trailkeeper.ledger.sqlite import DATABASE_FILE
from trailkeeper.retention.rules import DAY_US, DEFAULT_DAYS

MONTHS = 12
POSTS_PER_S, POSTERS = 100, 4
READS_PER_S, READERS = 10, 1
BEFORE_S = 20.0
WARM_UP_S = 1.0
"""Latencies of the first second of a run are left out: the server is new."""

LIMIT_S = 600.0
LOOK_S = 0.25
MIB = 1024 * 1024


class Latencies(Struct, frozen=True):
    """Of requests that were due one after the other, in milliseconds."""

    requests: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class File(Struct, frozen=True):
    """The database file: its size, and how much of it is free to be used again."""

    mib: float
    free_mib: float


class Retention(Struct, frozen=True):
    activities: int
    removed: int
    seconds: float
    posts_before: Latencies
    posts_during: Latencies
    reads_before: Latencies
    reads_during: Latencies
    file_before: File
    file_after: File
    file_reused: File
    """After as many activities as were removed have been recorded anew."""

    @property
    def rate(self) -> float:
        """Removed activities per second."""
        return self.removed / self.seconds

    @property
    def ratio(self) -> float:
        """How much longer the slowest posts take meanwhile: p99 by p99."""
        return self.posts_during.p99_ms / self.posts_before.p99_ms


def measure(folder: Path, *, activities: int, before_s: float = BEFORE_S) -> Retention:
    """Fill a log with a year's activities of which a month has come of age, and let it be swept.

    Raises RuntimeError when a request was refused, or when more or less than that month is gone.
    """
    site = make_site(folder / "retention")
    now, year = now_us(), DEFAULT_DAYS * DAY_US
    reads.fill(
        site.data, site.workspace, activities, start_us=now - year - year // MONTHS, span_us=year
    )
    _ask(site, "UPDATE workspace SET swept_at=?", now)
    with served(site):
        warm(site, sample.encoded(1_000, seed=2))
        end = time.perf_counter() + before_s + WARM_UP_S
        posts_before, reads_before = _load(site, lambda: time.perf_counter() > end)
    file_before = _file(site)
    _ask(site, "UPDATE workspace SET swept_at=0")
    with served(site), ThreadPoolExecutor(1) as thread:
        watching = thread.submit(_swept, site)
        least = time.perf_counter() + 2 * WARM_UP_S
        posts_during, reads_during = _load(
            site, lambda: watching.done() and time.perf_counter() > least
        )
        removed, ended_at = watching.result()
    if not 0 <= removed - activities // MONTHS <= 1 + activities // 10_000:
        raise RuntimeError(f"{removed} activities were removed, which is no month of them")
    started_at = _ask(site, "SELECT swept_at FROM workspace")
    file_after = _file(site)
    reads.fill(site.data, site.workspace, removed, start_us=now - 10 * DAY_US, span_us=DAY_US)
    return Retention(
        activities=activities,
        removed=removed,
        seconds=(ended_at - started_at) / 1e6,
        posts_before=posts_before,
        posts_during=posts_during,
        reads_before=reads_before,
        reads_during=reads_during,
        file_before=file_before,
        file_after=file_after,
        file_reused=_file(site),
    )


def show(made: Retention) -> None:
    table.show(
        f"Removing the oldest month of {made.activities:,} activities over twelve:"
        f" {made.removed:,} in {made.seconds:.1f} s, {made.rate:,.0f} a second",
        ["latencies", "requests", "p50 ms", "p99 ms", "longest ms"],
        [
            [name, table.whole(one.requests), *map(table.ms, (one.p50_ms, one.p99_ms, one.max_ms))]
            for name, one in (
                (f"posts, {POSTS_PER_S} a second, before", made.posts_before),
                ("posts, meanwhile", made.posts_during),
                (f"reads, {READS_PER_S} a second, before", made.reads_before),
                ("reads, meanwhile", made.reads_during),
            )
        ],
    )
    print(f"The p99 of posts is {made.ratio:.2f} times that of before.")
    table.show(
        "The database's file",
        ["when", "MiB", "of it free MiB"],
        [
            [name, f"{one.mib:.1f}", f"{one.free_mib:.1f}"]
            for name, one in (
                ("before", made.file_before),
                ("after", made.file_after),
                ("after as many new activities", made.file_reused),
            )
        ],
    )


class _Paced(load.Client):
    """Sends a request every `every_s` seconds, or late where the last answer took longer."""

    def __init__(self, request: Callable[[], bytes | None], result: load.Result, every_s: float):
        super().__init__(iter(request, None), result)
        self._every_s = every_s
        self._due: float | None = None

    def send(self) -> None:
        now = time.perf_counter()
        self._due = now if self._due is None else self._due + self._every_s
        asyncio.get_running_loop().call_later(max(0.0, self._due - now), self._send_due)

    def _send_due(self) -> None:
        super().send()
        assert self._due is not None
        self._start = self._due


def _load(site: Site, is_over: Callable[[], bool]) -> tuple[Latencies, Latencies]:
    """Post and read at a steady rate until it is over."""
    bodies = sample.encoded(5_000, seed=3)
    path = f"{PATH}?limit=50&actor=user:{sample.BUSY}"
    posts, listings = load.Result(), load.Result()
    sent = 0

    def post() -> bytes | None:
        nonlocal sent
        sent += 1
        return None if is_over() else load.post(PATH, site.token, bodies[sent % len(bodies)])

    def listing() -> bytes | None:
        return None if is_over() else load.get(path, site.token)

    async def go() -> None:
        loop = asyncio.get_running_loop()
        clients: list[_Paced] = []
        for make, result, count, rate in (
            (post, posts, POSTERS, POSTS_PER_S),
            (listing, listings, READERS, READS_PER_S),
        ):
            for _ in range(count):
                client = _Paced(make, result, count / rate)
                await loop.create_connection(lambda client=client: client, "127.0.0.1", site.port)
                clients.append(client)
                client.send()
                await asyncio.sleep(1 / rate)
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*(client.done for client in clients))

    uvloop.run(go())
    posts.expect(201)
    listings.expect(200)
    return _latencies(posts, POSTS_PER_S), _latencies(listings, READS_PER_S)


def _latencies(result: load.Result, rate: float) -> Latencies:
    del result.latencies[: int(rate * WARM_UP_S)]
    return Latencies(
        len(result.latencies),
        result.percentile(0.5),
        result.percentile(0.99),
        result.percentile(1),
    )


def _swept(site: Site) -> tuple[int, int]:
    """Wait for the activity that says what was removed: how many, and when."""
    end = time.monotonic() + LIMIT_S
    with site.http() as http:
        while time.monotonic() < end:
            asked = {"action": "retention.activities_removed"}
            found = http.get(PATH, params=asked).raise_for_status().json()["data"]
            if found:
                at = datetime.fromisoformat(found[0]["received_at"])
                return found[0]["details"]["count"], int(at.timestamp() * 1e6)
            time.sleep(LOOK_S)
    raise RuntimeError(f"Nothing was removed within {LIMIT_S:.0f} s")


def _file(site: Site) -> File:
    page = _ask(site, "PRAGMA page_size") / MIB
    return File(
        mib=_ask(site, "PRAGMA page_count") * page,
        free_mib=_ask(site, "PRAGMA freelist_count") * page,
    )


def _ask(site: Site, statement: str, *values: Any) -> Any:
    """The first value that a statement gives, on the file of a site that is not served."""
    driver: Any = dbapi
    with closing(driver.connect(site.data / DATABASE_FILE, isolation_level=None)) as database:
        row = database.execute(statement, values).fetchone()
        return row[0] if row else None
