"""The log that grows: many workspaces, of which the first has half of all activities.

Activities are made and prepared in a process of their own, ten thousand at a time, and go straight
into the product's writer here, which has nothing else to do.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from bisect import bisect
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import accumulate

import msgspec
import time_machine
from msgspec import Struct
from sqlalchemy import func, select, update
from tests.bench import sample
from tests.bench.bare import prepared
from tests.bench.growth.clock import Clock
from tests.conftest import OWNER, Site

from trailkeeper.installation import Installation, opened
from trailkeeper.ledger.append import Append, Receipt
from trailkeeper.ledger.prepare import Prepared
from trailkeeper.ledger.schema import activity, workspace
from trailkeeper.ledger.writer import Transaction

WORKSPACES = 500
FIRST = 1
"""The key of the first workspace, the large one."""

CHUNK = 10_000
AHEAD = 2
"""Chunks that are made while one is written."""

_chunk_of = msgspec.msgpack.Decoder(list[tuple[int, list[Prepared]]]).decode


class Filled(Struct, frozen=True):
    """What a log has got, and how long that took."""

    activities: int
    seconds: float


class Log:
    """A log that grows in the order of time. `number` activities are in it; the next one happens
    at `clock.at(number)`."""

    def __init__(self, site: Site, clock: Clock, workspaces: int) -> None:
        self.site = site
        self.clock = clock
        self.workspaces = workspaces
        self.number = 0

    @property
    def now_s(self) -> float:
        """The log's own time, in seconds since 1970."""
        return self.clock.at(self.number) / 1e6

    def travelled(self) -> time_machine.travel:
        """This process at the log's time."""
        return time_machine.travel(self.now_s, tick=True)

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        """The installation, in this process and at the log's time."""
        with self.travelled(), opened(self.site.data) as installation:
            yield installation

    def add_workspaces(self) -> None:
        """Make the other workspaces, and have nobody sweep the log, which gets old quickly."""
        with opened(self.site.data) as installation:
            for number in range(2, self.workspaces + 1):
                installation.workspaces.create(f"Workspace {number}", OWNER, "Ada Admin", None)
            never = 1 << 62
            installation.writer.run(
                lambda unit: unit.connection.execute(update(workspace).values(swept_at=never))
            )

    def large(self, count: int) -> list[bytes]:
        """The next activities, all of the large workspace, as JSON without times: they are for
        now. Whoever takes them records them."""
        bodies = sample.encoded(count, seed=self.number + 1)
        self.number += count
        return bodies

    def grow_to(self, count: int, deadline: float) -> Filled:
        """Fill it up. Raises TimeoutError at `deadline` (monotonic), RuntimeError when something
        was not recorded."""
        start, first = time.perf_counter(), self.number
        ahead: deque[tuple[int, Future[bytes]]] = deque()
        at = self.number
        with (
            ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process,
            opened(self.site.data) as there,
            time_machine.travel(self.now_s, tick=False) as now,
        ):
            while self.number < count:
                while at < count and len(ahead) <= AHEAD:
                    some = min(CHUNK, count - at)
                    ahead.append(
                        (some, process.submit(chunk, at, some, self.clock, self.workspaces))
                    )
                    at += some
                some, made = ahead.popleft()
                appends = _chunk_of(made.result())
                self.number += some
                now.move_to(self.now_s)
                _append(there, appends)
                if time.monotonic() > deadline:
                    process.shutdown(cancel_futures=True)
                    raise TimeoutError(f"the time was up at {self.number:,} activities")
        return Filled(self.number - first, time.perf_counter() - start)

    def count(self) -> int:
        """Activities that are there, those of Trailkeeper's own among them."""

        def work(unit: Transaction) -> int:
            return unit.connection.execute(select(func.count()).select_from(activity)).scalar_one()

        with self.opened() as installation:
            return installation.writer.run(work)


def chunk(first: int, count: int, clock: Clock, workspaces: int) -> bytes:
    """The activities from number `first` on, prepared, by their workspaces: every other one is the
    first workspace's, and the others are shared out by Zipf's law."""
    rng = random.Random(first)
    shares = list(accumulate(1 / rank for rank in range(1, workspaces)))
    numbers = range(first, first + count)
    bodies = [
        msgspec.json.encode(one) for one in sample.made(numbers, first + 1, map(clock.at, numbers))
    ]
    by_workspace: dict[int, list[Prepared]] = {}
    for number, one in zip(numbers, prepared(bodies), strict=True):
        is_first = sample.is_rare(number) or number % 2 == 0
        other = FIRST + 1 + bisect(shares, rng.random() * shares[-1])
        key = FIRST if is_first else other
        by_workspace.setdefault(key, []).append(one)
    return msgspec.msgpack.encode(list(by_workspace.items()))


def _append(installation: Installation, appends: list[tuple[int, list[Prepared]]]) -> None:
    futures: list[Future[object]] = []
    for key, activities in appends:
        future: Future[object] = Future()
        futures.append(future)

        def done(result: object, error: BaseException | None, future=future) -> None:
            future.set_exception(error) if error else future.set_result(result)

        installation.writer.enqueue(Append(key, activities), done)
    for future in futures:
        outcomes = future.result()
        if not all(isinstance(one, Receipt) for one in outcomes):
            raise RuntimeError(f"Not everything was recorded: {outcomes[:3]!r}")
