"""How many activities a second a stream brings to a destination that is well.

The log is filled first; then a stream from its start on is turned on, and the time is taken until
all are delivered. The server, the destination and this process share the machine's cores.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as driver
from msgspec import Struct
from tests.bench.sink import Sink
from tests.conftest import Site
from tests.streaming.object_stores import Place

from trailkeeper.installation import opened
from trailkeeper.streaming.formats import own
from trailkeeper.streaming.owner import team_of

STREAMS = "/api/v1/streams"
SHAPES: tuple[dict[str, str], ...] = (
    {"packing": "batch", "compression": "none"},
    {"packing": "batch", "compression": "gzip"},
    {"packing": "batch", "compression": "zstd"},
    {"packing": "parquet", "compression": "zstd"},
    {"packing": "each", "compression": "none"},
)
EACH = 50
"""So many times fewer activities where each is an object."""

WAIT_S = 200.0
LOOK_S = 0.1
"""Each look costs the server some milliseconds."""

BARE_BATCH = 1_000


class Rate(Struct, frozen=True):
    """Activities that were delivered, and how long that took."""

    name: str
    activities: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.activities / self.seconds


def to_http(site: Site, sink: Sink, count: int) -> Rate:
    """Raises RuntimeError when not all arrived, or some twice."""
    sink.forget("/well")
    settings = {"url": sink.url("/well")}
    rate = _delivered(site, "HTTP, JSON Lines", "http", settings, {}, count)
    if not rate.activities <= sink.came("/well").lines <= rate.activities + 100:
        raise RuntimeError(f"{sink.came('/well').lines} lines came of {rate.activities}")
    return rate


def to_store(site: Site, place: Place, shape: dict[str, str], count: int) -> Rate:
    """With each activity an object of its own there are EACH times fewer."""
    name = f"S3, {shape['packing']}, {shape['compression']}"
    some = count // EACH if shape["packing"] == "each" else count
    return _delivered(site, name, "s3", place.settings, shape, some)


class Bare:
    """What is compared with: a loop over the driver that reads the same lines by their number from
    a table, posts them by http.client, and commits its place after each batch."""

    def __init__(self, site: Site, path: Path) -> None:
        """Takes the lines from the site's log; its server does not run yet."""
        database = self._database = driver.connect(str(path), isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE line (seq INTEGER PRIMARY KEY, body BLOB)")
        database.execute("CREATE TABLE place (cursor INTEGER)")
        database.execute("BEGIN")
        database.execute("INSERT INTO place VALUES (0)")
        with opened(site.data) as installation:
            key = installation.workspaces.find(site.workspace)
            with installation.engine.connect() as connection:
                team = team_of(connection, key)
            self._end = installation.reader.next_seq(key)
            for first in range(0, self._end, BARE_BATCH):
                some = installation.reader.after(key, first, BARE_BATCH)
                rows = [(one.seq, own.encode(one, team)) for one in some]
                database.executemany("INSERT INTO line VALUES (?,?)", rows)
        database.execute("COMMIT")

    def run(self, sink: Sink) -> Rate:
        line = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=30)
        start = time.perf_counter()
        for first in range(0, self._end, BARE_BATCH):
            rows = self._database.execute(
                "SELECT body FROM line WHERE seq>=? AND seq<? ORDER BY seq",
                (first, first + BARE_BATCH),
            ).fetchall()
            line.request("POST", "/bare", b"".join([row[0] + b"\n" for row in rows]))
            line.getresponse().read()
            self._database.execute("UPDATE place SET cursor=?", (first + BARE_BATCH,))
        took = time.perf_counter() - start
        line.close()
        return Rate("bare loop to HTTP", self._end, took)

    def close(self) -> None:
        self._database.close()


def _delivered(
    site: Site, name: str, kind: str, settings: dict[str, str], shape: dict[str, str], count: int
) -> Rate:
    asked: dict[str, Any] = {
        "name": name,
        "from_start": True,
        "destination": {"type": kind, "settings": settings},
        "shape": shape,
    }
    with site.http() as http:
        made = http.post(STREAMS, json=asked).raise_for_status().json()
        path = f"{STREAMS}/{made['id']}"
        # Streams are activities, too: there are a few more of them each time.
        newest = made["lag"]["count"] + made["next_seq"]
        start = max(0, newest - count)
        http.post(f"{path}/replay", json={"from": start}).raise_for_status()
        began = time.perf_counter()
        http.patch(path, json={"enabled": True}).raise_for_status()
        _wait(lambda: http.get(path).json()["next_seq"] >= newest)
        took = time.perf_counter() - began
        http.delete(path).raise_for_status()
    return Rate(name, newest - start, took)


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"Not delivered within {WAIT_S:.0f} s")
        time.sleep(LOOK_S)
