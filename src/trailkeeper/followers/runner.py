"""The one runner for all followers of a process.

A supervisor looks for followers with work and takes their leases; each then has a thread of its
own, so that one that hangs holds up nobody else. Leases let any process run any follower, and are
taken over when a process is gone: at once by one that starts alone or is told (see presence.py),
else when they run out. Commits of this process wake the threads at once; those of others are told
by PostgreSQL, or seen within POLL_S.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from trailkeeper.activity import now_us
from trailkeeper.errors import Problem, StoreUnavailable
from trailkeeper.followers.follower import Log, Place, Source, Work
from trailkeeper.followers.places import Places
from trailkeeper.followers.presence import Presence
from trailkeeper.followers.worker import Worker

POLL_S = 0.5
LEASE_S = 8.0
"""A process that is gone is noticed after so long."""

WORKERS_MAX = 256
CLOSE_S = 5.0
"""So long a batch that is under way may still take when the process is to end. Those who end
processes often kill them after ten seconds."""

log = structlog.get_logger()


class Owner(Protocol):
    """Who has made the followers of a kind, and knows what they do."""

    def work_of(self, place: Place) -> Work[Any, Any]:
        """What a follower does with what its log's source gives. Raises what speaks against it; it
        is tried again later."""
        ...

    def pause(self, place: Place, reason: str) -> None:
        """Pause it after failures that do not end, and say so."""
        ...

    def bury(self, place: Place, seqs: list[int], reason: str) -> None:
        """Put items among its dead letters, and say so."""
        ...


class Runner:
    """Runs the followers whose kind is in `owners`, from `start` to `close`. `sources` has each log
    that they follow. By `presence` it knows whether another process is there that does."""

    def __init__(
        self,
        places: Places,
        sources: Mapping[Log, Source[Any, Any]],
        owners: Mapping[str, Owner],
        presence: Presence,
    ) -> None:
        self._places = places
        self._sources = sources
        self._owners = owners
        self._presence = presence
        self._me = uuid.uuid4().hex
        self._workers: dict[int, Worker] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._look = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="followers", daemon=True)
        self._renewed_at = 0.0

    def start(self) -> None:
        self._thread.start()
        self._presence.listen(self._wake)

    def committed(self, _units: int = 0) -> None:
        """Something was committed: whoever waits for work looks for it. Cheap; for the writer."""
        self._wake()
        self._presence.tell()

    def look(self) -> None:
        """Look for followers with work at once: one was made, resumed or set back."""
        self._look.set()
        self._wake()

    def _wake(self) -> None:
        for worker in tuple(self._workers.values()):
            worker.wake.set()

    def close(self) -> None:
        """Stop; a batch that is under way is given a few seconds, and is tried again otherwise."""
        self._closing.set()
        self._look.set()
        if self._thread.ident is None:
            return
        self._thread.join()
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.stop()
        end = time.monotonic() + CLOSE_S
        for worker in workers:
            worker.join(max(0.0, end - time.monotonic()))
        try:
            self._places.give_back(self._me, [worker.key for worker in workers])
        except Problem as problem:
            log.warning("leases could not be given back; they run out", error=problem.detail)
        self._presence.leave()

    def _loop(self) -> None:
        while not self._closing.is_set():
            try:
                self._presence.enter(self._me, self._places.free_all)
                self._renew()
                self._free_those_gone()
                self._start_due()
            except StoreUnavailable as problem:
                log.warning("followers cannot be looked for now", error=problem.detail)
            except Exception:
                log.exception("looking for followers with work failed; it is tried again")
            self._look.wait(POLL_S)
            self._look.clear()

    def _renew(self) -> None:
        """Prolong the leases of those at work, and forget those that have ended."""
        with self._lock:
            ended = [key for key, worker in self._workers.items() if not worker.is_alive()]
            for key in ended:
                del self._workers[key]
            working = list(self._workers)
        self._places.give_back(self._me, ended)
        if working and time.monotonic() - self._renewed_at > LEASE_S / 3:
            self._renewed_at = time.monotonic()
            self._places.renew_leases(self._me, working, LEASE_S)

    def _free_those_gone(self) -> None:
        gone = self._presence.gone(self._places.owners) - {self._me}
        if gone:
            log.info("other processes have ended; their followers run on here", count=len(gone))
            self._places.free_of(gone)

    def _start_due(self) -> None:
        for place in self._places.due(now_us()):
            owner = self._owners.get(place.kind)
            if owner is None or place.key in self._workers:
                continue
            if len(self._workers) >= WORKERS_MAX:
                log.warning("too many followers are at work; some wait", most=WORKERS_MAX)
                return
            if not self._places.take_lease(place.key, self._me, LEASE_S):
                continue
            worker = Worker(place, owner, self._places, self._sources[place.log], self._me)
            with self._lock:
                self._workers[place.key] = worker
            worker.start()
