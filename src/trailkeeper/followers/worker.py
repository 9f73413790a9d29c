"""One follower at work: batch after batch, until there is nothing to do for a while."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace

from trailkeeper.activity import now_us
from trailkeeper.errors import NotFound, StoreUnavailable
from trailkeeper.followers.backoff import BREAKS_AFTER, delay_s
from trailkeeper.followers.follower import (
    TRIES_BEFORE_DEAD,
    Batch,
    DeliveryFailed,
    Place,
    Poison,
    Source,
    Tried,
    Work,
)
from trailkeeper.followers.metrics import DELIVERED, FAILURES
from trailkeeper.followers.places import Places

if TYPE_CHECKING:
    from trailkeeper.followers.runner import Owner

IDLE_S = 30.0
"""A thread that has had nothing to do for so long ends; the supervisor starts another."""

LOOK_S = 1.0
"""So often a waiting thread looks whether it is to go on at all."""

log = structlog.get_logger()


class Worker(threading.Thread):
    """Works as long as `me` has the lease. Ends after a failure, and when what the follower does
    was changed: the supervisor starts it again when there is something to do."""

    def __init__(
        self, place: Place, owner: Owner, places: Places, source: Source[Any, Any], me: str
    ) -> None:
        super().__init__(name=f"{place.kind} {place.name}", daemon=True)
        self.key = place.key
        self.wake = threading.Event()
        self._place = place
        self._owner = owner
        self._places = places
        self._source = source
        self._me = me
        self._stopping = False

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._stopping = True
        self.wake.set()

    def run(self) -> None:
        work: Work[Any, Any] | None = None
        try:
            work = self._owner.work_of(self._place)
            self._work(work)
        except Exception as error:  # noqa: BLE001 # whatever it is, it must not end the process
            self._failed(self._place, error)
        finally:
            if work is not None:
                work.close()

    def _work(self, work: Work[Any, Any]) -> None:
        idle_since = time.monotonic()
        while not self._stopping:
            self.wake.clear()
            place = self._place_now()
            if place is None:
                return
            if (seq := self._places.next_again(place)) is not None:
                if not self._do_again(place, seq, work):
                    return
                continue
            end = place.batch_end or self._end_of_next(place, work)
            if end is None:
                if time.monotonic() - idle_since > IDLE_S:
                    return
                self.wake.wait(LOOK_S)
                continue
            if place.batch_end is None and not self._places.begin(place, self._me, end):
                return
            if not self._do(place, end, work):
                return
            idle_since = time.monotonic()

    def _place_now(self) -> Place | None:
        """Where the follower stands; None where this thread is not to go on."""
        try:
            place = self._places.find(self._place.workspace, self._place.kind, self._place.id)
        except NotFound:
            return None
        is_due = place.state == "running" and place.retry_at <= now_us()
        return place if is_due and place.revision == self._place.revision else None

    def _end_of_next(self, place: Place, work: Work[Any, Any]) -> int | None:
        """Where the next batch ends, after a short wait for more; None without anything to do."""
        limits = work.limits
        end = place.cursor + limits.items
        there = self._source.next_seq(place.workspace)
        if there <= place.cursor:
            return None
        if there < end and limits.linger_s and not self._stopping:
            time.sleep(limits.linger_s)
            there = self._source.next_seq(place.workspace)
        end = min(end, there)
        return self._source.end_of_batch(place.workspace, place.cursor, end, work.wants)

    def _do(self, place: Place, end: int, work: Work[Any, Any]) -> bool:
        """Whether the batch is done; if not, it has been noted why."""
        dead = self._places.dead_between(place, place.cursor, end)
        found = self._found(place, place.cursor, end, work)
        if found is None:
            return False
        batch = Batch(
            workspace=place.workspace,
            first=place.cursor,
            end=end,
            items=[one for one in found if one.seq not in dead],
            attempt=place.failures + 1,
        )
        if not batch.items:
            return self._places.advance(place, self._me, end, None)
        tried = self._try(place, batch, work)
        return tried is not None and self._places.advance(place, self._me, end, tried)

    def _do_again(self, place: Place, seq: int, work: Work[Any, Any]) -> bool:
        """Whether a dead letter was taken now, or is dead once more. It is a batch of its own, so
        that it is the same bytes however often it is tried."""
        found = self._found(place, seq, seq + 1, work)
        if found is None:
            return False
        if not found:
            self._owner.bury(place, [seq], "no longer there, or no longer what is wanted")
            return True
        attempt = place.failures + 1
        batch = Batch(
            workspace=place.workspace, first=seq, end=seq + 1, items=found, attempt=attempt
        )
        tried = self._try(place, batch, work, again=seq)
        return tried is not None and self._places.revive(place, self._me, seq, tried)

    def _found(self, place: Place, first: int, end: int, work: Work[Any, Any]) -> list[Any] | None:
        """What is wanted of these seqs; None after a failure, which has been noted."""
        try:
            return list(self._source.between(place.workspace, first, end, work.wants))
        except Exception as error:  # noqa: BLE001 # whatever it is, it is a try that failed
            self._failed(place, error)
            return None

    def _try(
        self, place: Place, batch: Batch[Any], work: Work[Any, Any], again: int | None = None
    ) -> Tried | None:
        """How it went; None after a failure, which has been noted."""
        tried = Tried(
            first=batch.first,
            end=batch.end,
            count=len(batch.items),
            bytes=None,
            attempt=batch.attempt,
            started_at=now_us(),
            took_us=0,
        )
        labels, began = (place.kind, work.destination), time.monotonic()
        try:
            size = work.do(batch)
        except Exception as error:  # noqa: BLE001 # whatever it is, it is a try that failed
            FAILURES.labels(*labels).inc()
            self._failed(place, error, replace(tried, took_us=_since(began)), again)
            return None
        DELIVERED.labels(*labels).inc(tried.count)
        return replace(tried, bytes=size, took_us=_since(began))

    def _failed(
        self,
        place: Place,
        error: Exception,
        tried: Tried | None = None,
        again: int | None = None,
    ) -> None:
        if isinstance(error, StoreUnavailable):
            # No fault of the follower's, and nothing could be noted; it is started again.
            log.warning("a follower waits for the database", follower=place.name)
            return
        failure = error if isinstance(error, DeliveryFailed) else None
        if failure is None:
            log.error("a follower failed", follower=place.name, exc_info=error)
        why = failure.why if failure else f"{type(error).__name__}: {error}"
        failures = place.failures + 1
        try:
            delay = delay_s(failures, failure.retry_after_s if failure else None)
            self._places.fail(place, self._me, why, now_us() + int(delay * 1e6), tried)
            if failure and (dead := _dead(failure, failures, again)):
                self._owner.bury(place, dead, why)
            elif failures >= BREAKS_AFTER or (failure and failure.is_final):
                self._owner.pause(place, why)
        except Exception:
            log.exception("a follower's failure could not be noted", follower=place.name)


def _dead(failure: DeliveryFailed, failures: int, again: int | None) -> list[int]:
    """What to go on without. A dead letter that is refused again must not hold up the rest."""
    if again is not None:
        return [again] if isinstance(failure, Poison) or failure.is_final else []
    if isinstance(failure, Poison) and failures >= TRIES_BEFORE_DEAD:
        return failure.seqs
    return []


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1e6)
