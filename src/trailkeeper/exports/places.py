"""Which process makes which export, in the database: leases, progress, and the end.

A step of somebody whose lease is gone changes nothing, so that an export is never made by two, and
one that was deleted meanwhile is not brought back.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, or_, select, update

from trailkeeper.activity import now_us
from trailkeeper.exports.export import Export, details_of, export_of
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import audit_export
from trailkeeper.ledger.writer import Transaction

ATTEMPTS_MAX = 3


class Places:
    """For one process, which calls itself `me`."""

    def __init__(self, store: Store, me: str, lease_s: float) -> None:
        self._store = store
        self._me = me
        self._lease_us = int(lease_s * 1_000_000)

    def take(self) -> Export | None:
        """Take the oldest export that waits, or whose process is gone; None without any. One whose
        process has ended ATTEMPTS_MAX times is over: it is recorded as failed."""
        if self._next(now_us()) is None:
            return None

        def work(transaction: Transaction) -> Export | None:
            connection = transaction.connection
            now = now_us()
            row = connection.execute(
                select(audit_export).where(_free(now)).order_by(audit_export.c.key).limit(1)
            ).first()
            if row is None:
                return None
            one = export_of(row)
            if one.attempts >= ATTEMPTS_MAX:
                why = f"It was begun {ATTEMPTS_MAX} times, and each time the server ended"
                self._fail(transaction, one, why)
                return None
            connection.execute(
                update(audit_export)
                .where(audit_export.c.key == one.key)
                .values(
                    state="running",
                    worker=self._me,
                    lease_until=now + self._lease_us,
                    attempts=one.attempts + 1,
                    started_at=now,
                    count=0,
                    bytes=0,
                )
            )
            return export_of(
                connection.execute(select(audit_export).where(audit_export.c.key == one.key)).one()
            )

        return self._store.change(work)

    def tell(self, one: Export, count: int, size: int, total: int | None) -> bool:
        """Keep how far it is, and prolong the lease. False when it is not ours any more."""

        def work(transaction: Transaction) -> bool:
            told = transaction.connection.execute(
                update(audit_export)
                .where(self._ours(one))
                .values(count=count, bytes=size, total=total, lease_until=now_us() + self._lease_us)
            )
            return bool(told.rowcount)

        return self._store.change(work)

    def finish(self, one: Export, count: int, size: int, sha256: str) -> bool:
        """Its file is there: it is done, and that is recorded. False when it is not ours any
        more."""

        def work(transaction: Transaction) -> bool:
            connection = transaction.connection
            done = connection.execute(
                update(audit_export)
                .where(self._ours(one))
                .values(
                    state="done",
                    count=count,
                    total=count,
                    bytes=size,
                    sha256=sha256,
                    ended_at=now_us(),
                    worker=None,
                )
            )
            if not done.rowcount:
                return False
            here = self._store.workspace_target(connection, one.workspace)
            details = {
                **details_of(one.wish, one.id), "count": count, "bytes": size, "sha256": sha256
            }  # fmt: skip
            by = one.requester.by(one.workspace)
            self._store.record(
                transaction,
                one.workspace,
                by.activity("audit_log.exported", here, details=details),
            )
            return True

        return self._store.change(work)

    def fail(self, one: Export, why: str) -> None:
        """It cannot be made, and that is recorded."""

        def work(transaction: Transaction) -> None:
            row = transaction.connection.execute(
                select(audit_export.c.key).where(self._ours(one))
            ).first()
            if row is not None:
                self._fail(transaction, one, why)

        self._store.change(work)

    def give_back(self, one: Export) -> None:
        """This process ends: somebody else may begin it again at once. It does not count as an
        attempt."""

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(audit_export)
                .where(self._ours(one))
                .values(state="queued", worker=None, lease_until=0, attempts=one.attempts - 1)
            )

        self._store.change(work)

    def held(self, workspace: int) -> list[Export]:
        """The exports of a workspace that have a file, the oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(audit_export)
                .where(audit_export.c.workspace == workspace, audit_export.c.state == "done")
                .order_by(audit_export.c.ended_at)
            )
            return [export_of(row) for row in rows]

    def ended_before(self, at: int) -> list[Export]:
        """The exports that ended before a time."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(audit_export).where(audit_export.c.ended_at < at).limit(1_000)
            )
            return [export_of(row) for row in rows]

    def known(self, ids: set[str]) -> set[str]:
        """Which of these exports there are."""
        with self._store.reading() as connection:
            found = select(audit_export.c.id).where(audit_export.c.id.in_(ids))
            return set(connection.execute(found).scalars())

    def _next(self, now: int) -> int | None:
        with self._store.reading() as connection:
            return connection.execute(
                select(func.min(audit_export.c.key)).where(_free(now))
            ).scalar()

    def _ours(self, one: Export) -> ColumnElement[bool]:
        return and_(
            audit_export.c.key == one.key,
            audit_export.c.worker == self._me,
            audit_export.c.state == "running",
        )

    def _fail(self, transaction: Transaction, one: Export, why: str) -> None:
        connection = transaction.connection
        connection.execute(
            update(audit_export)
            .where(audit_export.c.key == one.key)
            .values(state="failed", error=why, ended_at=now_us(), worker=None)
        )
        here = self._store.workspace_target(connection, one.workspace)
        failed = one.requester.by(one.workspace).activity(
            "audit_log.export_failed",
            here,
            outcome="failure",
            reason=why,
            details=details_of(one.wish, one.id),
        )
        self._store.record(transaction, one.workspace, failed)


def _free(now: int) -> ColumnElement[bool]:
    """Waiting, or of a process that is gone."""
    return or_(
        audit_export.c.state == "queued",
        and_(audit_export.c.state == "running", audit_export.c.lease_until < now),
    )
