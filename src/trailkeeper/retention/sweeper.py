"""The daily sweep: removes what its workspace's rule says, in small steps between commits.

A step takes a few milliseconds of the writer, so that recording goes on; between steps the writer
is free for twice as long. What a stream has not delivered stays, unless its workspace
has said otherwise a week before. What was removed is recorded: how many, and from when to when.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from msgspec import Struct
from sqlalchemy import select, update

from trailkeeper.activity import ActivityInput, now_us, rfc3339
from trailkeeper.errors import StoreUnavailable
from trailkeeper.identity.store import Store
from trailkeeper.ledger.backends import seeing
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.recorder import system_actor
from trailkeeper.ledger.removal import next_words
from trailkeeper.ledger.schema import workspace
from trailkeeper.ledger.search import KEY_MIN
from trailkeeper.ledger.writer import Transaction
from trailkeeper.query.filters import Filter
from trailkeeper.retention import jobs, lagging
from trailkeeper.retention.files import remove_files
from trailkeeper.retention.holds import active
from trailkeeper.retention.jobs import remove_jobs
from trailkeeper.retention.rules import DAY_US, GRACE_DAYS, Rule, keep_rule, read_rule
from trailkeeper.retention.steps import Removed, Step, in_steps

ACTOR = system_actor("retention", "Retention")
LOOK_S = 600.0
"""So often it looks whether a workspace is due; each is swept once a day."""

ALL_SEQS = 1 << 62
WORDS = 50_000
"""So many are looked at together: another store reads all that it has for each time."""

Notify = Callable[[int, str, str], Any]

log = structlog.get_logger()


class Swept(Struct, frozen=True):
    """What a sweep has removed from a workspace, and what it left because of holds or streams. The
    range is of seqs for activities, else of times."""

    activities: Removed = Removed()
    jobs: Removed = Removed()
    files: Removed = Removed()

    def parts(self) -> list[tuple[str, Removed]]:
        """All, with their names."""
        return [
            ("activities", self.activities),
            ("jobs", self.jobs),
            ("package_files", self.files),
        ]


class Elsewhere(Protocol):
    """Another store, with copies of the activities and those that have left the database. Its
    methods raise StoreUnavailable."""

    def remove(self, workspace: int, before: int, before_seq: int, holds: list[Filter]) -> Removed:
        """Remove what occurred before a time, but none from `before_seq` on and none that a hold
        matches. Tells of those that had left the database."""
        ...

    def named(self, workspace: int) -> set[int]:
        """The keys of all actors and targets that it names."""
        ...

    def words_between(self, workspace: int, after: str, last: str) -> set[str]:
        """The words of its activities that follow one, up to and with the last."""
        ...


class Sweeper:
    """Sweeps all workspaces of an installation, from `start` to `close`."""

    def __init__(self, store: Store, notify: Notify, elsewhere: Elsewhere | None = None) -> None:
        self._store = store
        self._notify = notify
        self._elsewhere = elsewhere
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
            return Swept()
        before = now_us() - rule.days * DAY_US
        may_go = rule.undelivered_from is not None and rule.undelivered_from <= now_us()
        swept = Swept(
            self._activities(key, before, may_go),
            self._jobs(key, before, may_go),
            self._files(key, before),
        )
        if swept.activities.count:
            self._names(key)
            self._words(key)
        self._record(key, swept, before)
        return swept

    def _rule(self, key: int) -> Rule:
        """The rule, after what takes effect now has taken effect."""

        def work(transaction: Transaction) -> Rule:
            rule = read_rule(transaction.connection, key)
            if rule.next_at is not None and rule.next_at <= now_us():
                rule = Rule(days=rule.next_days, undelivered_from=rule.undelivered_from)
                keep_rule(transaction.connection, key, rule)
            return rule

        return self._store.change(work)

    def _activities(self, key: int, before: int, may_go: bool) -> Removed:
        end = first_key(before)
        before_seq = self._seqs_that_may_go(key, before, may_go, of_jobs=False)

        def step(transaction: Transaction, after: int, size: int) -> Step[int]:
            batch = transaction.remove(
                key,
                after_key=after,
                before_key=end,
                before_seq=before_seq,
                holds=active(transaction.connection, key),
                limit=size,
            )
            first, last = min(batch.seqs, default=None), max(batch.seqs, default=None)
            return Step(batch.last_key, Removed(len(batch.seqs), batch.kept, first, last))

        removed = in_steps(self._store, self._closing, KEY_MIN, step)
        if self._elsewhere is None:
            return removed
        with self._store.reading() as connection:
            holds = active(connection, key)
        try:
            return removed.plus(self._elsewhere.remove(key, before, before_seq, holds))
        except StoreUnavailable:
            log.exception("old activities are still in ClickHouse; the next sweep removes them")
            return removed

    def _jobs(self, key: int, before: int, may_go: bool) -> Removed:
        before_seq = self._seqs_that_may_go(key, before, may_go, of_jobs=True)

        def step(transaction: Transaction, place: jobs.Place, size: int) -> Step[jobs.Place]:
            return remove_jobs(
                transaction.connection,
                key,
                place,
                before=before,
                before_seq=before_seq,
                holds=active(transaction.connection, key),
                limit=size,
            )

        return in_steps(self._store, self._closing, jobs.Place(), step)

    def _files(self, key: int, before: int) -> Removed:
        def step(transaction: Transaction, after: int, size: int) -> Step[int]:
            connection = transaction.connection
            holds = active(connection, key)
            return remove_files(connection, key, after, before=before, holds=holds, limit=size)

        return in_steps(self._store, self._closing, 0, step)

    def _names(self, key: int) -> None:
        def step(transaction: Transaction, after: int, size: int) -> Step[int]:
            last, gone = transaction.forget_names(key, after=after, limit=size, named=named)
            return Step(last, Removed(gone))

        named: set[int] = set()
        if self._elsewhere is not None:
            try:
                named = self._elsewhere.named(key)
            except StoreUnavailable:
                log.exception("names are kept that ClickHouse may still have; the next sweep asks")
                return
        in_steps(self._store, self._closing, 0, step)

    def _words(self, key: int) -> None:
        after, kept = "", set[str]()
        while not self._closing.is_set():
            with self._store.database(key) as database:
                words = next_words(database, key, after, WORDS)
            if not words:
                return
            if self._elsewhere is not None:
                # The writer does not wait for another store: it is asked before.
                try:
                    kept = self._elsewhere.words_between(key, after, words[-1])
                except StoreUnavailable:
                    log.exception("words are kept that ClickHouse may have; the next sweep asks")
                    return
            self._forget_words(key, [word for word in words if word not in kept])
            after = words[-1]

    def _forget_words(self, key: int, words: list[str]) -> None:
        def step(transaction: Transaction, start: int, size: int) -> Step[int]:
            end = start + size
            gone = transaction.forget_words(key, words[start:end])
            return Step(end if end < len(words) else None, Removed(gone))

        if words:
            in_steps(self._store, self._closing, 0, step)

    def _record(self, key: int, swept: Swept, before: int) -> None:
        """Say what was removed, with an activity for each that anything was removed of."""
        gone = swept.activities
        seqs = {"first_seq": gone.first, "last_seq": gone.last}
        told = (
            ("retention.activities_removed", gone, seqs),
            ("retention.jobs_removed", swept.jobs, _times(swept.jobs)),
            ("retention.package_files_removed", swept.files, _times(swept.files)),
        )

        def work(transaction: Transaction) -> None:
            here = self._store.workspace_target(transaction.connection, key)
            for action, removed, ends in told:
                if removed.count:
                    details = {"count": removed.count, "before": rfc3339(before), **ends}
                    sent = ActivityInput(
                        action=action, actor=ACTOR, targets=[here], details=details
                    )
                    self._store.record(transaction, key, sent)

        if any(removed.count for _, removed, _ in told):
            self._store.change(work)

    def _seqs_that_may_go(self, key: int, before: int, may_go: bool, *, of_jobs: bool) -> int:
        """Up to which seq (exclusively) streams have delivered all, or do not matter. A week ahead
        it tells that what a stream has not delivered comes of age."""
        if may_go:
            return ALL_SEQS
        soon = before + GRACE_DAYS * DAY_US
        has_any = lagging.has_jobs if of_jobs else lagging.has_activities
        with self._store.reading() as connection, seeing(connection, key):
            seq = lagging.undelivered_from(connection, key, jobs=of_jobs)
            is_late = seq is not None and has_any(connection, key, seq, soon)
        if is_late:
            what = "Jobs" if of_jobs else "Activities"
            with contextlib.suppress(Exception):
                self._notify(
                    key,
                    f"{what} come of age that a stream has not delivered",
                    f"From seq {seq} on there are {what.lower()} whose time of retention ends"
                    f" within {GRACE_DAYS} days, and a stream has not delivered them. They stay"
                    " until it has, or until the workspace's settings let them go.\n",
                )
        return ALL_SEQS if seq is None else seq


def _times(removed: Removed) -> dict[str, str]:
    """The range of times of what was removed."""
    if removed.first is None or removed.last is None:
        return {}
    return {"first_at": rfc3339(removed.first), "last_at": rfc3339(removed.last)}
