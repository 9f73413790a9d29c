"""A workspace's rule: how many days its activities, jobs and files of packages are kept, and when
another number takes effect.

A longer time is good at once; a shorter one only after GRACE_DAYS, so that what would be removed by
mistake can still be kept.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select, update

from trailkeeper.activity import Change, Target, now_us, rfc3339
from trailkeeper.errors import FieldError, InvalidInput
from trailkeeper.identity.acting import By
from trailkeeper.identity.store import Store
from trailkeeper.ledger.keys import first_key
from trailkeeper.ledger.reader import Reader
from trailkeeper.ledger.schema import workspace
from trailkeeper.ledger.writer import Transaction
from trailkeeper.retention.files import count_files
from trailkeeper.retention.jobs import count_jobs

DEFAULT_DAYS = 365
GRACE_DAYS = 7
DAYS_MAX = 36_500
DAY_US = 86_400_000_000
ASKED = "Change how long activities and jobs are kept"


class Rule(Struct, frozen=True, kw_only=True):
    """`days` is None for ever. `next_days` takes effect at `next_at`, if there is one.
    `undelivered_from` is when what a stream has not delivered may be removed, too."""

    days: int | None
    next_days: int | None = None
    next_at: int | None = None
    undelivered_from: int | None = None


class Preview(Struct, frozen=True):
    """What is so old that a rule would remove it now, be it held or not: how many activities, jobs
    and files of packages, and until when."""

    count: int
    before: int | None
    jobs: int = 0
    files: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.count or self.jobs or self.files)


class Rules:
    """The rules of all workspaces."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader

    def get(self, key: int) -> Rule:
        with self._store.reading() as connection:
            return read_rule(connection, key)

    def preview(self, key: int, days: int | None) -> Preview:
        """Raises InvalidInput."""
        _check(days)
        if days is None:
            return Preview(0, None)
        before = now_us() - days * DAY_US
        with self._store.reading() as connection:
            return Preview(
                self._reader.count_before(key, first_key(before)),
                before,
                count_jobs(connection, key, before),
                count_files(connection, key, before),
            )

    def set_days(self, by: By, days: int | None) -> Rule:
        """Keep all for so many days, or (None) for ever; recorded when it changes something.
        Raises Forbidden, InvalidInput."""
        self._store.require(by, "settings.manage", ASKED)
        _check(days)

        def work(transaction: Transaction) -> Rule:
            old = read_rule(transaction.connection, by.workspace)
            if days == old.days and old.next_at is None:
                return old
            shorter = days is not None and (old.days is None or days < old.days)
            at = now_us() + GRACE_DAYS * DAY_US
            new = Rule(
                days=old.days if shorter else days,
                next_days=days if shorter else None,
                next_at=at if shorter else None,
                undelivered_from=old.undelivered_from,
            )
            self._keep(transaction, by.workspace, new)
            details: dict[str, Any] = {} if days is None else {"days": days}
            if shorter:
                details["takes_effect_at"] = rfc3339(at)
            self._record(transaction, by, [Change(field="days", old=old.days, new=days)], details)
            return new

        return self._store.change(work)

    def let_undelivered_go(self, by: By, allowed: bool) -> Rule:
        """Let be removed what a stream has not delivered: from GRACE_DAYS on, or
        no longer. Raises Forbidden."""
        self._store.require(by, "settings.manage", ASKED)

        def work(transaction: Transaction) -> Rule:
            old = read_rule(transaction.connection, by.workspace)
            if (old.undelivered_from is not None) == allowed:
                return old
            at = now_us() + GRACE_DAYS * DAY_US if allowed else None
            new = Rule(
                days=old.days,
                next_days=old.next_days,
                next_at=old.next_at,
                undelivered_from=at,
            )
            self._keep(transaction, by.workspace, new)
            change = Change(field="remove_undelivered", old=not allowed, new=allowed)
            details = {"takes_effect_at": rfc3339(at)} if at else {}
            self._record(transaction, by, [change], details)
            return new

        return self._store.change(work)

    def _keep(self, transaction: Transaction, key: int, new: Rule) -> None:
        keep_rule(transaction.connection, key, new)

    def _record(
        self, transaction: Transaction, by: By, changes: list[Change], details: dict[str, Any]
    ) -> None:
        here: Target = self._store.workspace_target(transaction.connection, by.workspace)
        sent = by.activity("retention.updated", here, changes=changes, details=details)
        self._store.record(transaction, by.workspace, sent)


def read_rule(connection: Connection, key: int) -> Rule:
    row = connection.execute(
        select(
            workspace.c.retention_days,
            workspace.c.retention_next_days,
            workspace.c.retention_next_at,
            workspace.c.undelivered_from,
        ).where(workspace.c.key == key)
    ).one()
    return Rule(
        days=row.retention_days,
        next_days=row.retention_next_days,
        next_at=row.retention_next_at,
        undelivered_from=row.undelivered_from,
    )


def keep_rule(connection: Connection, key: int, rule: Rule) -> None:
    connection.execute(
        update(workspace)
        .where(workspace.c.key == key)
        .values(
            retention_days=rule.days,
            retention_next_days=rule.next_days,
            retention_next_at=rule.next_at,
            undelivered_from=rule.undelivered_from,
        )
    )


def _check(days: int | None) -> None:
    if days is not None and not 1 <= days <= DAYS_MAX:
        detail = f"must be from 1 to {DAYS_MAX}, or nothing for ever"
        raise InvalidInput(f"The number of days {detail}", FieldError(detail, "/days"))
