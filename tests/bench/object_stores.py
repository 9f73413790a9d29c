"""How many activities a second a stream brings to S3: `python -m tests.bench.object_stores`.

The ledger is filled first; then a stream from the first activity on is turned on, and the time is
taken until all are delivered. Trailkeeper, SeaweedFS and this script share the machine's cores, and
every object is fsynced by nobody but the system, as in SeaweedFS's default.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from tests.bench import machine
from tests.bench.sample import activities
from tests.conftest import Site, make_site, wait_for
from tests.streaming.certificates import Authority
from tests.streaming.object_stores import Place, Servers

SHAPES: tuple[dict[str, str], ...] = (
    {"packing": "batch", "compression": "none"},
    {"packing": "batch", "compression": "gzip"},
    {"packing": "batch", "compression": "zstd"},
    {"packing": "parquet", "compression": "zstd"},
    {"packing": "each", "compression": "none"},
)
EACH = 10
"""So many times fewer activities where each is an object."""

CHUNK = 5_000
WAIT_S = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--activities", type=int, default=100_000)
    parser.add_argument("--packing", choices=sorted({one["packing"] for one in SHAPES}))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trailkeeper-bench-") as name:
        folder = Path(name)
        print("\n".join(machine.look(folder).lines()), flush=True)
        servers = Servers(folder, Authority())
        site = make_site(folder / "data")
        site.environment["TRAILKEEPER_STREAM_ALLOWED_NETWORKS"] = "127.0.0.0/8"
        try:
            site.start()
            count = _fill(site, asked.activities)
            for shape in SHAPES:
                if asked.packing in (None, shape["packing"]):
                    _measure(site, servers.place("seaweedfs"), shape, count)
        finally:
            site.stop()
            servers.close()


def _fill(site: Site, count: int) -> int:
    """The number of activities in the log then."""
    some: list[dict[str, Any]] = []
    with site.http() as http:
        for one in activities(count):
            some.append(one)
            if len(some) == CHUNK:
                _post(http, some)
                some = []
        if some:
            _post(http, some)
        return http.get("/api/v1/activities", params={"limit": 1}).json()["data"][0]["seq"] + 1


def _post(http: Any, some: list[dict[str, Any]]) -> None:
    headers = {"Content-Type": "application/json"}
    body = msgspec.json.encode(some)
    http.post("/api/v1/activities", content=body, headers=headers).raise_for_status()


def _measure(site: Site, place: Place, shape: dict[str, str], count: int) -> None:
    # Streams are activities, too; there are a few more of them each time.
    start = count - count // EACH if shape["packing"] == "each" else 0
    asked = {
        "name": place.prefix,
        "from_start": True,
        "destination": {"type": "s3", "settings": place.settings},
        "shape": shape,
    }
    with site.http() as http:
        made = http.post("/api/v1/streams", json=asked)
        made.raise_for_status()
        path = f"/api/v1/streams/{made.json()['id']}"
        if start:
            http.post(f"{path}/replay", json={"from": start}).raise_for_status()
        began = time.perf_counter()
        http.patch(path, json={"enabled": True}).raise_for_status()
        wait_for(lambda: http.get(path).json()["next_seq"] >= count, WAIT_S)
        took = time.perf_counter() - began
        http.delete(path).raise_for_status()
    objects = place.objects()
    size = sum(map(len, objects.values()))
    print(
        f"{shape['packing']:>8} {shape['compression']:>5}: {count - start:,} activities in"
        f" {took:.1f} s, {(count - start) / took:,.0f}/s;"
        f" {len(objects):,} objects, {size / 1e6:,.1f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
