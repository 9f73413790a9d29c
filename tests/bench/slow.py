"""Part 2: the same with a slow disk: each fsync takes 2 ms longer. Group commit must hold there.

A small library that is loaded before the C library slows the server's fsyncs down and counts them.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from tests.bench import ingest, sample, table
from tests.bench.bare import Commits
from tests.conftest import make_site

SOURCE = Path(__file__).with_name("slow_fsync.c")
DELAY_MS = 2.0
PROBES = 20
CASE = ingest.Case("single, 64 connections", 64, 1, 6_400)

_PROBE = """
import sys
from pathlib import Path
from tests.bench.machine import fsync_ms
print(fsync_ms(Path(sys.argv[1]), int(sys.argv[2])))
"""


class Unavailable(Exception):
    """This part cannot run here; the message says why."""


class Slow(Struct, frozen=True):
    """What the slow disk leaves. Rates are activities per second."""

    fsync_ms: float
    """Median of an fsync with the library, measured in a process of its own."""
    rate: float
    p50_ms: float
    p99_ms: float
    syncs: int
    per_sync: float
    """Activities that were acknowledged for each fsync of the server."""
    bare_rate: float
    bare_p50_ms: float
    bare_single_rate: float
    bare_single_p50_ms: float

    @property
    def ratio(self) -> float:
        return self.rate / self.bare_rate

    @property
    def group_commit_holds(self) -> bool:
        """Whether an fsync served at least a quarter of the connections."""
        return self.per_sync >= CASE.connections / 4


def measure(folder: Path, *, scale: float, rounds: int) -> Slow:
    """Raises Unavailable when the library cannot be made or does not work here."""
    library = _compiled(folder)
    fsync_ms = _probed(library, folder)
    case = ingest.Case(CASE.name, CASE.connections, 1, max(640, int(CASE.count * scale)))
    bodies = sample.encoded(case.count)
    counter = folder / "syncs"
    site = make_site(folder / "slow")
    site.environment["SLOW_FSYNC_COUNT"] = str(counter)
    with ingest.served(site, preload=str(library)):
        ingest.warm(site, bodies)
        before = _count(counter)
        results = [ingest.send(site, case, bodies) for _ in range(rounds)]
        syncs = _count(counter) - before
    if not syncs:
        raise RuntimeError("The server acknowledged activities without an fsync")
    grouped = list(_bare(library, folder, case.bare_batch, case.count, rounds))
    single = list(_bare(library, folder, 1, max(50, int(600 * scale)), rounds))
    return Slow(
        fsync_ms=fsync_ms,
        rate=statistics.median(result.rate for result in results),
        p50_ms=statistics.median(result.percentile(0.5) for result in results),
        p99_ms=statistics.median(result.percentile(0.99) for result in results),
        syncs=syncs,
        per_sync=case.count * rounds / syncs,
        bare_rate=statistics.median(run.rate for run in grouped),
        bare_p50_ms=statistics.median(run.p50_ms for run in grouped),
        bare_single_rate=statistics.median(run.rate for run in single),
        bare_single_p50_ms=statistics.median(run.p50_ms for run in single),
    )


def show(slow: Slow) -> None:
    table.show(
        f"Each fsync {DELAY_MS:.0f} ms slower (measured: an fsync takes {slow.fsync_ms:.2f} ms)",
        ["run", "act./s", "p50 ms", "p99 ms", "act./fsync", "ratio"],
        [
            [
                CASE.name, table.whole(slow.rate), table.ms(slow.p50_ms), table.ms(slow.p99_ms),
                f"{slow.per_sync:.1f}", f"{slow.ratio:.2f}",
            ],
            [
                f"bare loop, batch {CASE.bare_batch}", table.whole(slow.bare_rate),
                table.ms(slow.bare_p50_ms), "", str(CASE.bare_batch), "1.00",
            ],
            [
                "bare loop, batch 1", table.whole(slow.bare_single_rate),
                table.ms(slow.bare_single_p50_ms), "", "1", "",
            ],
        ],
    )  # fmt: skip
    print("Group commit", "holds" if slow.group_commit_holds else "DOES NOT HOLD", flush=True)


def _compiled(folder: Path) -> Path:
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not sys.platform.startswith("linux"):
        raise Unavailable("fsync is slowed down by LD_PRELOAD, which only Linux has")
    if not compiler:
        raise Unavailable("there is no C compiler (cc, gcc or clang)")
    library = folder / "slow_fsync.so"
    done = subprocess.run(
        [compiler, "-O2", "-Wall", "-shared", "-fPIC", "-o", str(library), str(SOURCE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"{SOURCE.name} does not compile: {done.stderr.strip()[:300]}")
    return library


def _probed(library: Path, folder: Path) -> float:
    """The median of an fsync with the library. Raises Unavailable when it is not slowed down."""
    text = _run(library, ["-c", _PROBE, str(folder), str(PROBES)])
    if (found := float(text)) < DELAY_MS:
        raise Unavailable(f"an fsync takes {found:.2f} ms, so the library is not used here")
    return found


def _bare(library: Path, folder: Path, batch: int, count: int, rounds: int) -> Iterator[Commits]:
    for number in range(rounds):
        path = folder / f"bare-{batch}-{number}.db"
        text = _run(library, ["-m", "tests.bench.bare", str(path), str(batch), str(count)])
        yield msgspec.json.decode(text, type=Commits)


def _run(library: Path, arguments: list[str]) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "LD_PRELOAD": str(library)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    ).stdout


def _count(path: Path) -> int:
    return int.from_bytes(path.read_bytes(), sys.byteorder)
