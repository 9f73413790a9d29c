"""ClickHouse at work for an installation: who copies, what leaves the database, what is read."""

from __future__ import annotations

import threading
import time

import structlog
from sqlalchemy import Engine, select

from trailkeeper.activity import now_us
from trailkeeper.clickhouse.connection import Connection
from trailkeeper.clickhouse.copying import CopyWork
from trailkeeper.clickhouse.moving import DAY_US, Moved, Mover
from trailkeeper.clickhouse.removing import Remover
from trailkeeper.errors import StoreUnavailable
from trailkeeper.followers import places
from trailkeeper.followers.follower import OFF, Place
from trailkeeper.identity.store import Store
from trailkeeper.ledger.recorder import Recorder
from trailkeeper.ledger.schema import follower, moved, workspace
from trailkeeper.ledger.writer import Transaction

KIND = "clickhouse"
NAME = "ClickHouse"
LOOK_S = 5.0
MOVE_S = 3_600.0

log = structlog.get_logger()


class ClickHouse:
    """`hot_days`: so long activities stay in the database; None is for ever.

    From `start` to `close` each workspace has its follower, and what is older than the hot
    window leaves the database every hour. It is an owner for the followers' runner."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        recorder: Recorder,
        connection: Connection,
        hot_days: int | None,
    ) -> None:
        self._store = store
        self._engine = engine
        self._recorder = recorder
        self._connection = connection
        self._hot_days = hot_days
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="clickhouse", daemon=True)
        self._moved_at: float | None = None
        self.remover = Remover(store, engine, connection)
        self._mover = Mover(store, engine, connection, self._closing)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._connection.close()

    # --- The followers' owner

    def work_of(self, place: Place) -> CopyWork:  # noqa: ARG002 # all do the same
        self._connection.make_tables()
        return CopyWork(self._engine, self._recorder, self._connection)

    def pause(self, place: Place, reason: str) -> None:
        """Not at all: it is tried again until ClickHouse is back, and nothing is lost meanwhile."""
        log.error("ClickHouse takes no activities", seq=place.cursor, reason=reason)

    def bury(self, place: Place, seqs: list[int], reason: str) -> None:  # noqa: ARG002
        """Nothing is left out of the copy."""
        log.error("ClickHouse takes no activities", seq=seqs[0], reason=reason)

    # --- What is done from time to time

    def _loop(self) -> None:
        while not self._closing.is_set():
            try:
                make_followers(self._store)
                if self._moved_at is None or time.monotonic() - self._moved_at > MOVE_S:
                    self._moved_at = time.monotonic()
                    self.move_all()
            except StoreUnavailable:
                log.warning("nothing leaves the database while ClickHouse does not answer")
            except Exception:
                log.exception("the hot window was not moved; it is tried again")
            self._closing.wait(LOOK_S)

    def move_all(self) -> None:
        """Let what is older than the hot window leave the database, and end what a removal has
        begun. Raises StoreUnavailable."""
        with self._store.reading() as connection:
            keys = connection.execute(
                select(follower.c.workspace).where(follower.c.kind == KIND)
            ).scalars()
            all_keys = list(keys)
        for key in all_keys:
            if self._closing.is_set():
                return
            self.remover.recount(key)
            if self._hot_days:
                self.move(key, now_us() - self._hot_days * DAY_US)

    def move(self, key: int, before: int) -> Moved:
        """Let what occurred in a workspace before a time leave the database, as far as it was
        copied. Raises StoreUnavailable."""
        with self._store.reading() as connection:
            copied = places.find(connection, key, KIND, KIND).cursor
        if not copied:
            # There may be no tables yet.
            return Moved()
        done = self._mover.move(key, before, copied)
        if done.count:
            log.info("activities stand in ClickHouse only now", workspace=key, count=done.count)
        return done


def make_followers(store: Store) -> None:
    """A follower for each workspace that has none, from its first activity on; those that were
    turned off go on."""
    with store.reading() as connection:
        there = select(follower.c.workspace).where(follower.c.kind == KIND)
        missing = list(
            connection.execute(
                select(workspace.c.key).where(workspace.c.key.not_in(there))
            ).scalars()
        )
        off = list(connection.execute(_OFF).scalars())
    if not missing and not off:
        return

    def work(transaction: Transaction) -> None:
        connection = transaction.connection
        known = set(connection.execute(there).scalars())
        for key in missing:
            if key not in known:
                places.make(transaction, key, KIND, KIND, NAME, cursor=0)
        for key in off:
            places.resume(transaction, places.find(connection, key, KIND, KIND))

    store.change(work)


def turn_off(store: Store) -> None:
    """ClickHouse is not used any more: nothing waits for its followers."""
    with store.reading() as connection:
        on = list(connection.execute(_ON).scalars())
    if not on:
        return

    def work(transaction: Transaction) -> None:
        for key in on:
            places.pause(transaction, places.find(transaction.connection, key, KIND, KIND), OFF)

    store.change(work)


def has_moved(store: Store) -> bool:
    """Whether ClickHouse has activities that the database has not."""
    with store.reading() as connection:
        return connection.execute(select(moved.c.workspace).limit(1)).first() is not None


_ON = select(follower.c.workspace).where(follower.c.kind == KIND, follower.c.state == "running")
_OFF = select(follower.c.workspace).where(
    follower.c.kind == KIND, follower.c.state == "paused", follower.c.pause_reason == OFF
)
