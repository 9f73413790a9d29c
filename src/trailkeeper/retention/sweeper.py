"""The daily sweep: removes what its workspace's rule says, in small steps between commits.

A step takes a few milliseconds of the writer, so that recording goes on; between steps the writer
is free for as long as the step took. What a stream has not delivered stays, unless its workspace
has said otherwise a week before. What was removed is recorded: how many, and from when to when.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import func, select, update

from trailkeeper.activity import ActivityInput, now_us, rfc3339
from trailkeeper.identity.store import Store
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.recorder import system_actor
from trailkeeper.ledger.removal import Removed, forget_names, remove
from trailkeeper.ledger.schema import follower, workspace
from trailkeeper.ledger.search import KEY_MIN
from trailkeeper.ledger.writer import Transaction
from trailkeeper.retention.holds import active
from trailkeeper.retention.rules import DAY_US, GRACE_DAYS, Rule, keep_rule, read_rule

ACTOR = system_actor("retention", "Retention")
STEP_S = 0.01
"""How long a step is to take at most; the number of its activities follows from that."""

STEP_FIRST, STEP_LEAST, STEP_MOST = 50, 10, 1_000
LOOK_S = 600.0
"""So often it looks whether a workspace is due; each is swept once a day."""

Notify = Callable[[int, str, str], Any]

log = structlog.get_logger()


class Swept(Struct, frozen=True):
    """What a sweep has removed from a workspace, and what it left because of holds or streams."""

    count: int
    kept: int
    first_seq: int | None = None
    last_seq: int | None = None
    before: int | None = None


class Sweeper:
    """Sweeps all workspaces of an installation, from `start` to `close`."""

    def __init__(self, store: Store, notify: Notify) -> None:
        self._store = store
        self._notify = notify
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="retention", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _loop(self) -> None:
        while not self._closing.is_set():
            try:
                for key in self._due():
                    if self._closing.is_set():
                        break
                    if self._claim(key):
                        self.sweep(key)
            except Exception:
                log.exception("a sweep failed; the next one goes on")
            self._closing.wait(LOOK_S)

    def _due(self) -> list[int]:
        with self._store.reading() as connection:
            return list(
                connection.execute(
                    select(workspace.c.key).where(workspace.c.swept_at < now_us() - DAY_US)
                ).scalars()
            )

    def _claim(self, key: int) -> bool:
        """Whether this process sweeps the workspace today."""
        at = now_us()

        def work(transaction: Transaction) -> bool:
            claimed = transaction.connection.execute(
                update(workspace)
                .where(workspace.c.key == key, workspace.c.swept_at < at - DAY_US)
                .values(swept_at=at)
            )
            return bool(claimed.rowcount)

        return self._store.change(work)

    def sweep(self, key: int) -> Swept:
        """Remove what is due in a workspace, and record that if anything was."""
        rule = self._rule(key)
        if rule.days is None:
            return Swept(0, 0)
        before = now_us() - rule.days * DAY_US
        undelivered = self._undelivered_from(key)
        may_go = rule.undelivered_from is not None and rule.undelivered_from <= now_us()
        before_seq = (1 << 62) if may_go or undelivered is None else undelivered
        swept = self._steps(key, first_key(before), before_seq)
        if undelivered is not None and not may_go:
            self._warn(key, before, undelivered)
        if swept.count:
            self._names(key)
            self._record(key, swept, before)
        return Swept(swept.count, swept.kept, swept.first_seq, swept.last_seq, before)

    def _rule(self, key: int) -> Rule:
        """The rule, after what takes effect now has taken effect."""

        def work(transaction: Transaction) -> Rule:
            rule = read_rule(transaction.connection, key)
            if rule.next_at is not None and rule.next_at <= now_us():
                rule = Rule(days=rule.next_days, undelivered_from=rule.undelivered_from)
                keep_rule(transaction.connection, key, rule)
            return rule

        return self._store.change(work)

    def _undelivered_from(self, key: int) -> int | None:
        """The first seq that a stream that is on has not delivered."""
        with self._store.reading() as connection:
            return connection.execute(
                select(func.min(follower.c.cursor)).where(
                    follower.c.workspace == key,
                    follower.c.log == "activities",
                    (follower.c.state == "running") | (follower.c.pause_reason != "turned off"),
                )
            ).scalar()

    def _steps(self, key: int, before_key: int, before_seq: int) -> Swept:
        after, size = KEY_MIN, STEP_FIRST
        count = kept = 0
        seqs: list[int] = []
        while not self._closing.is_set():
            start = time.perf_counter()
            step = self._store.change(
                lambda transaction, after=after, size=size: self._step(
                    transaction, key, after, before_key, before_seq, size
                )
            )
            took = time.perf_counter() - start
            if step.last_key is None:
                break
            after = step.last_key
            count += len(step.seqs)
            kept += step.kept
            if step.seqs:
                seqs = (
                    [min(*seqs, *step.seqs), max(*seqs, *step.seqs)]
                    if seqs
                    else ([min(step.seqs), max(step.seqs)])
                )
            # As fast as the steps allow, and no faster than half of the time.
            size = max(STEP_LEAST, min(STEP_MOST, int(size * min(2.0, STEP_S / max(took, 1e-4)))))
            self._closing.wait(min(took, 0.1))
        return Swept(count, kept, *(seqs or (None, None)))

    def _step(
        self,
        transaction: Transaction,
        key: int,
        after: int,
        before_key: int,
        before_seq: int,
        size: int,
    ) -> Removed:
        database: Any = transaction.connection.connection.driver_connection
        removed = remove(
            database,
            key,
            after_key=after,
            before_key=before_key,
            before_seq=before_seq,
            holds=active(transaction.connection, key),
            limit=size,
        )
        if removed.seqs:
            transaction.note_removal()
        return removed

    def _names(self, key: int) -> None:
        after: int | None = 0
        while after is not None and not self._closing.is_set():
            after = self._store.change(
                lambda transaction, after=after: self._name_step(transaction, key, after)
            )

    def _name_step(self, transaction: Transaction, key: int, after: int) -> int | None:
        database: Any = transaction.connection.connection.driver_connection
        last, gone = forget_names(database, key, after=after, limit=100)
        if gone:
            transaction.forget_dictionaries()
        return last

    def _record(self, key: int, swept: Swept, before: int) -> None:
        def work(transaction: Transaction) -> None:
            here = self._store.workspace_target(transaction.connection, key)
            sent = ActivityInput(
                action="retention.activities_removed",
                actor=ACTOR,
                targets=[here],
                details={
                    "count": swept.count,
                    "before": rfc3339(before),
                    "first_seq": swept.first_seq,
                    "last_seq": swept.last_seq,
                },
            )
            self._store.record(transaction, key, sent)

        self._store.change(work)

    def _warn(self, key: int, before: int, undelivered: int) -> None:
        """Tell a week ahead that activities come of age that a stream has not delivered."""
        with self._store.reading() as connection:
            database: Any = connection.connection.driver_connection
            row = database.execute(
                "SELECT public FROM activity WHERE workspace=? AND seq>=? AND key<?"
                " ORDER BY seq LIMIT 1",
                (key, undelivered, first_key(before + GRACE_DAYS * DAY_US)),
            ).fetchone()
        if row is None:
            return
        with contextlib.suppress(Exception):
            self._notify(
                key,
                "Activities come of age that a stream has not delivered",
                f"From seq {undelivered} on there are activities whose time of retention ends"
                f" within {GRACE_DAYS} days, and a stream has not delivered them. They stay until"
                " it has, or until the workspace's settings let them go.\n",
            )
