"""Removal in small steps of the writer, so that recording goes on beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from msgspec import Struct

from trailkeeper.identity.store import Store
from trailkeeper.ledger.writer import Transaction

STEP_S = 0.004
"""How long a step is to work, before the commit, which takes as long again; the number of its rows
follows from that. What waits for the writer waits no longer than for one step."""

STEP_FIRST, STEP_LEAST, STEP_MOST = 50, 50, 1_000
REST = 2
"""After a step the writer is left alone for so many times as long as it worked."""

STEP_BYTES = 4 * 1024 * 1024
"""Of what is kept whole, such as files, a step removes no more than this, but one in any case."""

Place = TypeVar("Place")
Row = TypeVar("Row")


class Removed(Struct, frozen=True):
    """How many rows went, and how many were old enough and stayed. `first` and `last` are the ends
    of the range that went, by seq or by time."""

    count: int = 0
    kept: int = 0
    first: int | None = None
    last: int | None = None

    def plus(self, other: Removed) -> Removed:
        ends = [end for end in (self.first, self.last, other.first, other.last) if end is not None]
        return Removed(
            self.count + other.count,
            self.kept + other.kept,
            min(ends, default=None),
            max(ends, default=None),
        )


class Step(Struct, Generic[Place], frozen=True):
    """What one step did, and where the next one goes on; None at the end."""

    next: Place | None
    removed: Removed


def in_steps(
    store: Store,
    closing: threading.Event,
    start: Place,
    step: Callable[[Transaction, Place, int], Step[Place]],
) -> Removed:
    """Do steps from `start` on, until the last or until it is to be closed. A step is given the
    number of rows to look at."""
    place: Place | None = start
    size = STEP_FIRST
    removed = Removed()
    while place is not None and not closing.is_set():
        done, worked_s = store.change(
            lambda transaction, place=place, size=size: _timed(step, transaction, place, size)
        )
        place = done.next
        removed = removed.plus(done.removed)
        # One slow step says little: on a busy machine it may just have waited for a processor.
        factor = max(0.5, min(2.0, STEP_S / max(worked_s, 1e-4)))
        size = max(STEP_LEAST, min(STEP_MOST, int(size * factor)))
        # What came to the writer meanwhile gets a commit of its own, without a step in it.
        closing.wait(min(REST * worked_s, 0.1))
    return removed


def _timed(
    step: Callable[[Transaction, Place, int], Step[Place]],
    transaction: Transaction,
    place: Place,
    size: int,
) -> tuple[Step[Place], float]:
    """With the seconds that it worked. How long it waited for its turn, and for the disk, says
    nothing of how much a step may do."""
    began = time.perf_counter()
    done = step(transaction, place, size)
    return done, time.perf_counter() - began


def first_bytes(rows: Iterable[Row], size_of: Callable[[Row], int]) -> list[Row]:
    """The first rows that have together no more than STEP_BYTES, and one in any case."""
    taken: list[Row] = []
    left = STEP_BYTES
    for row in rows:
        left -= size_of(row)
        if taken and left < 0:
            break
        taken.append(row)
    return taken
