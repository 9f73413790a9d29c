"""Part 1: recording over HTTP, beside the bare loop with the same batch size.

Product and bare loop take turns, and both databases grow alike: each pair of runs adds the same
activities to both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct
from tests.bench import load, machine, sample, table
from tests.bench.bare import WARM, prepared
from tests.bench.stores import BareLoop, Store
from tests.conftest import Site

from trailkeeper.ledger.prepare import Prepared

PATH = "/api/v1/activities"


class Case(Struct, frozen=True):
    """One way of sending: `items` activities in a request, on so many connections at once."""

    name: str
    connections: int
    items: int
    count: int
    """Activities in one run."""
    servers: int = 1

    @property
    def bare_batch(self) -> int:
        """A group commit takes at best what all connections have sent; a batch is one commit."""
        return self.items if self.items > 1 else self.connections


CASES = (
    Case("single, 1 connection", 1, 1, 2_000),
    Case("single, 16 connections", 16, 1, 6_400),
    Case("single, 64 connections", 64, 1, 9_600),
    Case("batches of 100, 2 connections", 2, 100, 16_000),
    Case("batches of 100, 4 connections", 4, 100, 16_000),
    Case("batches of 1,000, 2 connections", 2, 1_000, 16_000),
    Case("batches of 1,000, 4 connections", 4, 1_000, 16_000),
)

SEVERAL = (Case("single, 64 connections, 2 servers", 64, 1, 9_600, servers=2),)
"""Where an installation may have several processes, which share the machine here."""


class Pair(Struct, frozen=True):
    """One run of the product and one of the bare loop, right after each other."""

    rate: float
    """Activities per second."""
    p50_ms: float
    p99_ms: float
    cpu_us: float | None
    """The server's processor time for one activity; it varies less than the rate does on a machine
    that others use too."""
    bare_rate: float
    bare_p50_ms: float
    bare_cpu_us: float

    @property
    def ratio(self) -> float:
        return self.rate / self.bare_rate


class Row(Struct, frozen=True):
    """A case's medians over its pairs of runs; latencies are those of requests and of commits."""

    name: str
    connections: int
    items: int
    bare_batch: int
    activities: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None
    bare_rate: float
    bare_p50_ms: float
    bare_cpu_us: float
    ratio: float
    ratio_min: float
    ratio_max: float
    pairs: list[Pair]


def measure(folder: Path, store: Store, *, scale: float, rounds: int, budget_s: float) -> list[Row]:
    """Run every case once a round; no round is begun after `budget_s` seconds.

    Raises RuntimeError when an activity was refused, or acknowledged and is not there.
    """
    first_site = store.make(folder / "served")
    second_site = store.another(first_site, folder / "second")
    cases = [_scaled(case, scale) for case in CASES + (SEVERAL if second_site else ())]
    bodies = sample.encoded(max(case.count for case in cases))
    activities = prepared(bodies)
    pairs: dict[str, list[Pair]] = {case.name: [] for case in cases}
    bare = store.bare(store.make(folder / "bare"))
    with ExitStack() as stack:
        site = stack.enter_context(served(first_site))
        sites = [site]
        if second_site:
            sites.append(stack.enter_context(served(second_site)))
        for one in sites:
            warm(one, bodies)
        bare.insert(activities[:WARM], 1_000)
        sent = 0
        first = _newest_seq(site)
        end = time.monotonic() + budget_s
        for number in range(rounds):
            if number and time.monotonic() > end:
                break
            for case in cases:
                some = activities[: case.count]
                pairs[case.name].append(
                    _in_turn(sites[: case.servers], case, bodies, bare, some, number)
                )
                sent += case.count
        if _newest_seq(site) - first != sent:
            raise RuntimeError("Not every acknowledged activity is in the log")
    bare.close()
    return [_row(case, pairs[case.name]) for case in cases]


def show(rows: list[Row]) -> None:
    table.show(
        f"Recording over HTTP beside the engine's bare loop ({len(rows[0].pairs)} turns, medians)",
        ["sent", "act./s", "p50 ms", "p99 ms", "CPU us/act.", "bare batch", "bare act./s",
         "CPU us/act.", "ratio", "lowest", "highest"],
        [
            [
                row.name, table.whole(row.rate), table.ms(row.p50_ms), table.ms(row.p99_ms),
                "" if row.cpu_us is None else table.whole(row.cpu_us),
                table.whole(row.bare_batch), table.whole(row.bare_rate),
                table.whole(row.bare_cpu_us), f"{row.ratio:.2f}", f"{row.ratio_min:.2f}",
                f"{row.ratio_max:.2f}",
            ]
            for row in rows
        ],
    )  # fmt: skip


@contextmanager
def served(site: Site, *wrapper: str, preload: str = "") -> Iterator[Site]:
    """The site's server while the block runs; it is ended by its own process id.

    What goes wrong meanwhile is told with the end of the server's log.
    """
    try:
        yield site.start(*wrapper, preload=preload)
    except Exception as error:
        ended = site.process.poll() if site.process else None
        state = "runs" if ended is None else f"ended with {ended}"
        error.add_note(f"The server {state}; its log ends with:\n{site.log()[-4_000:]}")
        raise
    finally:
        site.stop()


def warm(site: Site, bodies: list[bytes]) -> None:
    """Let the server see WARM activities: the dictionaries are filled, the code is loaded."""
    texts = (bodies * (WARM // len(bodies) + 1))[:WARM]
    load.run(site.port, _requests(site, texts, 1_000), 2).expect(200)
    load.run(site.port, _requests(site, texts[:500], 1), 8).expect(201)


def send(site: Site, case: Case, bodies: list[bytes]) -> load.Result:
    """One run of a case. Raises RuntimeError when not everything was recorded."""
    return _send([site], case, bodies)


def _send(sites: list[Site], case: Case, bodies: list[bytes]) -> load.Result:
    """The servers are of one installation."""
    requests = list(_requests(sites[0], bodies[: case.count], case.items))
    result = load.run([site.port for site in sites], requests, case.connections)
    result.expect(201 if case.items == 1 else 200)
    if case.items > 1 and result.body.count(b'"status":201') != case.items:
        raise RuntimeError(f"A batch was not recorded as a whole: {result.body[:500]!r}")
    return result


def _in_turn(
    sites: list[Site],
    case: Case,
    bodies: list[bytes],
    bare: BareLoop,
    activities: list[Prepared],
    turn: int,
) -> Pair:
    """Run both; who is first changes from turn to turn."""
    beside = bare.insert(activities, case.bare_batch) if turn % 2 else None
    before = _cpu_s(sites)
    result = _send(sites, case, bodies)
    after = _cpu_s(sites)
    beside = beside or bare.insert(activities, case.bare_batch)
    known = before is not None and after is not None
    return Pair(
        rate=result.rate * case.items,
        p50_ms=result.percentile(0.5),
        p99_ms=result.percentile(0.99),
        cpu_us=(after - before) / case.count * 1e6 if known else None,
        bare_rate=beside.rate,
        bare_p50_ms=beside.p50_ms,
        bare_cpu_us=beside.cpu_s / case.count * 1e6,
    )


def _cpu_s(sites: list[Site]) -> float | None:
    """The processor time of the servers so far."""
    each = [machine.cpu_s(site.process.pid) for site in sites if site.process]
    return None if None in each else sum(filter(None, each))


def _requests(site: Site, bodies: list[bytes], items: int) -> Iterator[bytes]:
    if items == 1:
        for body in bodies:
            yield load.post(PATH, site.token, body)
        return
    for start in range(0, len(bodies), items):
        array = b"[" + b",".join(bodies[start : start + items]) + b"]"
        yield load.post(PATH, site.token, array)


def _newest_seq(site: Site) -> int:
    with site.http() as http:
        return http.get(PATH, params={"limit": 1}).raise_for_status().json()["data"][0]["seq"]


def _scaled(case: Case, scale: float) -> Case:
    """With fewer activities, but whole batches, and at least two requests on each connection."""
    step = case.items * case.connections
    count = max(2 * step, int(case.count * scale) // step * step)
    return Case(case.name, case.connections, case.items, count, case.servers)


def _row(case: Case, pairs: list[Pair]) -> Row:
    def median(name: str) -> float:
        return statistics.median(getattr(pair, name) for pair in pairs)

    return Row(
        name=case.name,
        connections=case.connections,
        items=case.items,
        bare_batch=case.bare_batch,
        activities=case.count,
        rate=median("rate"),
        p50_ms=median("p50_ms"),
        p99_ms=median("p99_ms"),
        cpu_us=None if pairs[0].cpu_us is None else median("cpu_us"),
        bare_rate=median("bare_rate"),
        bare_p50_ms=median("bare_p50_ms"),
        bare_cpu_us=median("bare_cpu_us"),
        ratio=median("ratio"),
        ratio_min=min(pair.ratio for pair in pairs),
        ratio_max=max(pair.ratio for pair in pairs),
        pairs=pairs,
    )
