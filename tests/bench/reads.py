"""Part 3: what a reader of the log waits for, with many activities recorded; nothing is cold."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import httpx
import msgspec
from msgspec import Struct
from tests.bench import load, sample, table
from tests.bench.ingest import served
from tests.bench.stores import Store
from tests.conftest import Site

from trailkeeper.activity import ActivityInput, now_us
from trailkeeper.installation import opened

API = "/api/v1/activities"
DAYS = 60
SPAN_US = DAYS * 86_400 * 1_000_000
BATCH = 1_000
PAGE = 50
LATE_PAGE = 500
WARM_UP = 20
RUN_S = 3.0
"""A read that is slower than 15 ms gets fewer requests than the others."""

CONNECTIONS = (1, 4)


class Read(Struct, frozen=True):
    """A request that is measured. `found` is what there must be in its answer: activities, or
    None for a page that is only looked at for its status."""

    name: str
    request: bytes
    found: int | None = None


class Timing(Struct, frozen=True):
    connections: int
    requests: int
    rate: float
    p50_ms: float
    p99_ms: float


class Row(Struct, frozen=True):
    """A read's figures. `found`: activities in the answer; `bytes` of its body."""

    name: str
    found: int | None
    bytes: int
    timings: list[Timing]


class Reads(Struct, frozen=True):
    activities: int
    fill_rate: float
    """Activities per second while the log was filled in the product's own process."""
    rows: list[Row]
    pages: bool
    """Whether there are pages to log in to."""


def measure(folder: Path, store: Store, *, activities: int, requests: int) -> Reads:
    """Fill a log through the product's own writer, serve it, and time every read."""
    site = store.make(folder / "read")
    start = now_us() - SPAN_US
    seconds = fill(site.data, site.workspace, activities, start_us=start, span_us=SPAN_US)
    with served(site):
        reads = listings(site, activities)
        cookie = log_in(site)
        if cookie:
            reads += page_reads(cookie, some_id(site))
        rows = [timed(site, read, requests) for read in reads]
    return Reads(activities, activities / seconds, rows, cookie is not None)


def fill(data: Path, workspace: str, count: int, *, start_us: int, span_us: int) -> float:
    """Record made-up activities with times spread over a span; returns the seconds that it took.

    While the writer has one batch, the next is prepared.
    """
    made = sample.activities(count, start_us=start_us, step_us=span_us // count)
    start = time.perf_counter()
    with opened(data) as installation, ThreadPoolExecutor(1) as thread:
        key = installation.workspaces.find(workspace)
        batch = []
        under_way: Future[object] | None = None
        for number, one in enumerate(made, 1):
            sent = msgspec.convert(one, ActivityInput)
            batch.append(installation.recorder.prepare(key, sent))
            if len(batch) == BATCH or number == count:
                if under_way:
                    under_way.result()
                under_way = thread.submit(installation.writer.append, key, batch)
                batch = []
        if under_way:
            under_way.result()
    return time.perf_counter() - start


def show(reads: Reads) -> None:
    if not reads.pages:
        print("\nThere is no page to log in to yet: the Audit page and its pickers are left out.")
    head = ["read", "found", "KiB"]
    for connections in CONNECTIONS:
        head += [f"{connections} conn.: p50 ms", "p99 ms", "req./s"]
    lines: list[list[str]] = []
    for row in reads.rows:
        line = [row.name, "" if row.found is None else str(row.found), f"{row.bytes / 1024:.1f}"]
        for timing in row.timings:
            line += [table.ms(timing.p50_ms), table.ms(timing.p99_ms), table.whole(timing.rate)]
        lines.append(line)
    table.show(
        f"Reading a log of {reads.activities:,} activities over HTTP"
        f" (filled at {reads.fill_rate:,.0f} activities/s)",
        head,
        lines,
    )


def listings(site: Site, activities: int) -> list[Read]:
    never_by, never = sample.NEVER
    asked: list[tuple[str, dict[str, str], Callable[[int], bool]]] = [
        ("latest", {}, _full),
        ("by actor", {"actor": f"user:{sample.BUSY}"}, _full),
        ("by asset", {"target": "recipe:r1"}, _full),
        ("by asset type", {"target_type": "recipe"}, _full),
        ("by action", {"action": "recipe.stopped"}, _full),
        ("failures", {"outcome": "failure"}, _full),
        (
            "7 days + actor + action",
            {"range": "7d", "actor": f"user:{sample.BUSY}", "action": "recipe.started"},
            _some,
        ),
        (
            "7 days + actor + an action never done",
            {"range": "7d", "actor": f"user:{never_by}", "action": never},
            _none,
        ),
        (
            "any time + actor + an action never done",
            {"actor": f"user:{never_by}", "action": never},
            _none,
        ),
        ("by address", {"ip": "203.0.113.7"}, _some),
        ("by CIDR /16, few addresses", {"ip": "203.0.0.0/16"}, _full),
        ("by CIDR /16, 65,536 addresses", {"ip": "198.18.0.0/16"}, _full),
        ("rare word", {"q": sample.RARE}, _some),
        ("common word", {"q": "orders"}, _full),
        ("phrase", {"q": '"sync orders to"'}, _some),
        ("part of a rare word", {"q": f"*{sample.RARE[1:-1]}*"}, _some),
        ("part of a common word", {"q": "*rder*"}, _full),
    ]
    reads: list[Read] = []
    with site.http() as http:
        for name, params, enough in asked:
            found = len(_page(http, params)["data"])
            if not enough(found):
                raise RuntimeError(f"`{name}` found {found} activities")
            reads.append(Read(name, _listing(site, params), found))
        late = min(LATE_PAGE, activities // PAGE)
        params: dict[str, str] = {}
        for _ in range(late - 1):
            params = {"cursor": _page(http, params)["next_cursor"]}
        page = _page(http, params)["data"]
        reads.append(Read(f"page {late}", _listing(site, params), len(page)))
        one = f"{API}/{page[0]['id']}"
        http.get(one).raise_for_status()
        reads.append(Read("one activity by id", load.get(one, site.token)))
        by_hour = _path(f"{API}/histogram", range="30d", interval="hour")
        for name, path in (("30 days by hour", by_hour), ("facets", f"{API}/facets")):
            http.get(path).raise_for_status()
            reads.append(Read(name, load.get(path, site.token)))
    return reads


def page_reads(cookie: str, activity: str) -> list[Read]:
    busy = f"user:{sample.BUSY}"
    paths = (
        ("picker: actors, nothing typed", _path("/audit/choices", role="actor", text="")),
        ("picker: actors by name", _path("/audit/choices", role="actor", text="user 12")),
        ("picker: assets, nothing typed", _path("/audit/choices", role="target", text="")),
        ("picker: assets by name", _path("/audit/choices", role="target", text="sync orders")),
        ("page: /audit", "/audit"),
        ("page: /audit, 7 days + actor", _path("/audit", range="7d", actor=busy)),
        ("page: /audit, nothing found", _path("/audit", actor=busy, q="nowhere")),
        ("page: one activity", f"/audit/{activity}"),
    )
    return [Read(name, load.get(path, cookie=cookie)) for name, path in paths]


def timed(site: Site, read: Read, requests: int, connections: Sequence[int] = CONNECTIONS) -> Row:
    """Ask so often, or for RUN_S, on so many connections; it is warm by then."""
    _run(site, read, min(WARM_UP, requests), 2)
    timings: list[Timing] = []
    size = 0
    for count in connections:
        result = _run(site, read, requests, count)
        size = len(result.body)
        timings.append(
            Timing(
                count,
                len(result.latencies),
                result.rate,
                result.percentile(0.5),
                result.percentile(0.99),
            )
        )
    return Row(read.name, read.found, size, timings)


def _run(site: Site, read: Read, requests: int, connections: int) -> load.Result:
    asked = load.until(RUN_S, [read.request] * requests)
    result = load.run(site.port, asked, connections)
    if set(result.statuses) != {200}:
        raise RuntimeError(f"`{read.name}` was answered with {result.statuses}")
    return result


def _page(http: httpx.Client, params: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    asked = {"limit": str(PAGE), **params}
    return http.get(API, params=asked).raise_for_status().json()


def _listing(site: Site, params: dict[str, str]) -> bytes:
    return load.get(_path(API, limit=str(PAGE), **params), site.token)


def _path(path: str, **params: str) -> str:
    return f"{path}?{urlencode(params)}"


def some_id(site: Site) -> str:
    with site.http() as http:
        return str(_page(http, {})["data"][0]["id"])


def log_in(site: Site) -> str | None:
    """The Cookie header of a session, or None while there is no log-in page."""
    with httpx.Client(base_url=site.base_url, timeout=30) as browser:
        page = browser.get("/login")
        if page.status_code == 404:
            return None
        form = re.search(r'name="form" value="([^"]+)"', page.raise_for_status().text)
        if not form:
            raise RuntimeError("The log-in page has no form")
        fields = {"email": site.email, "password": site.password, "form": form[1]}
        answer = browser.post("/login", data=fields)
        if answer.status_code != 303:
            raise RuntimeError(f"The log-in was answered with {answer.status_code}")
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def _full(found: int) -> bool:
    return found == PAGE


def _some(found: int) -> bool:
    return found > 0


def _none(found: int) -> bool:
    return found == 0
