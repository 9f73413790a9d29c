"""The followers' places in the database: every step of a follower is one unit of the writer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, case, delete, insert, or_, select, update

from trailkeeper.activity import now_us
from trailkeeper.errors import NotFound
from trailkeeper.followers.follower import Log, Place
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import dead_letter, follower, workspace
from trailkeeper.ledger.writer import Transaction

ERROR_MAX = 500
"""Characters of an error that are kept."""

_COLUMNS = [follower.c[name] for name in Place.__struct_fields__]

NEXT_SEQ: dict[Log, ColumnElement[int]] = {
    "activities": workspace.c.next_seq,
    "jobs": workspace.c.next_job_seq,
}
"""The seq that the next item of each log will get."""


class DeadLetter(Struct, frozen=True):
    """What a destination will never take."""

    seq: int
    reason: str
    at: int


class Places:
    """All followers of an installation. A follower's steps are refused (they return False) when
    its lease went to another process meanwhile."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- Reading

    def all(self) -> list[Place]:
        with self._store.reading() as connection:
            return [_place(row) for row in connection.execute(select(*_COLUMNS))]

    def of(self, workspace: int, kind: str | None = None) -> list[Place]:
        """The followers of a workspace."""
        asked = select(*_COLUMNS).where(follower.c.workspace == workspace)
        if kind is not None:
            asked = asked.where(follower.c.kind == kind)
        with self._store.reading() as connection:
            return [_place(row) for row in connection.execute(asked)]

    def due(self, at: int) -> list[Place]:
        """Those that have something to do and nobody who does it."""
        asked = (
            select(*_COLUMNS)
            .join(workspace, workspace.c.key == follower.c.workspace)
            .where(
                follower.c.state == "running",
                follower.c.retry_at <= at,
                follower.c.lease_until <= at,
                follower.c.cursor < case(NEXT_SEQ, value=follower.c.log),
            )
        )
        with self._store.reading() as connection:
            return [_place(row) for row in connection.execute(asked)]

    def find(self, workspace: int, kind: str, id: str) -> Place:
        """Raises NotFound."""
        with self._store.reading() as connection:
            return find(connection, workspace, kind, id)

    def lag(self, place: Place) -> int:
        """How many items of its log are not done yet."""
        with self._store.reading() as connection:
            there = next_seq(connection, place.workspace, place.log)
        return max(0, there - place.cursor)

    def dead_letters(self, place: Place, limit: int = 100) -> list[DeadLetter]:
        """The latest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(dead_letter.c.seq, dead_letter.c.reason, dead_letter.c.at)
                .where(dead_letter.c.follower == place.key)
                .order_by(dead_letter.c.seq.desc())
                .limit(limit)
            ).all()
        return [DeadLetter(*row) for row in rows]

    def dead_between(self, place: Place, first: int, end: int) -> set[int]:
        """The seqs of dead letters in a range."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(dead_letter.c.seq).where(
                    dead_letter.c.follower == place.key,
                    dead_letter.c.seq >= first,
                    dead_letter.c.seq < end,
                )
            ).scalars()
            return set(rows)

    # --- Leases

    def take_lease(self, key: int, owner: str, seconds: float) -> bool:
        """Whether this process has the follower for itself for so long; again prolongs it."""
        at = now_us()

        def work(transaction: Transaction) -> bool:
            taken = transaction.connection.execute(
                update(follower)
                .where(
                    follower.c.key == key,
                    or_(follower.c.lease_owner == owner, follower.c.lease_until < at),
                )
                .values(lease_owner=owner, lease_until=at + int(seconds * 1e6))
            )
            return bool(taken.rowcount)

        return self._store.change(work)

    def renew_leases(self, owner: str, keys: Iterable[int], seconds: float) -> None:
        """Prolong leases that this process has."""
        wanted = list(keys)

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(follower)
                .where(follower.c.lease_owner == owner, follower.c.key.in_(wanted))
                .values(lease_until=now_us() + int(seconds * 1e6))
            )

        self._store.change(work)

    def give_back(self, owner: str, keys: Iterable[int]) -> None:
        """End leases early, so that another process need not wait."""
        wanted = list(keys)
        if not wanted:
            return

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                update(follower)
                .where(follower.c.lease_owner == owner, follower.c.key.in_(wanted))
                .values(lease_until=0)
            )

        self._store.change(work)

    def free_all(self) -> None:
        """End the leases of everybody. Only for one who knows that all who had some are dead."""
        self._store.change(
            lambda transaction: transaction.connection.execute(
                update(follower).where(follower.c.lease_until > 0).values(lease_until=0)
            )
        )

    # --- Steps of the one who has the lease

    def begin(self, place: Place, owner: str, end: int) -> bool:
        """Fix the end of the next batch, before its first try. Refused also when what the follower
        does has changed meanwhile."""
        return self._step(place, owner, follower.c.revision == place.revision, batch_end=end)

    def advance(self, place: Place, owner: str, end: int, count: int) -> bool:
        """The batch up to `end` is done; `count` items of it were delivered."""
        return self._step(
            place,
            owner,
            cursor=end,
            batch_end=None,
            failures=0,
            retry_at=0,
            delivered=follower.c.delivered + count,
            delivered_at=now_us() if count else follower.c.delivered_at,
        )

    def fail(self, place: Place, owner: str, why: str, retry_at: int) -> bool:
        """A try has failed; the next is at `retry_at`."""
        return self._step(
            place,
            owner,
            failures=follower.c.failures + 1,
            retry_at=retry_at,
            last_error=why[:ERROR_MAX],
            last_error_at=now_us(),
        )

    def _step(
        self, place: Place, owner: str, *conditions: ColumnElement[bool], **values: Any
    ) -> bool:
        def work(transaction: Transaction) -> bool:
            stepped = transaction.connection.execute(
                update(follower)
                .where(
                    follower.c.key == place.key,
                    follower.c.lease_owner == owner,
                    follower.c.cursor == place.cursor,
                    follower.c.state == "running",
                    *conditions,
                )
                .values(values)
            )
            return bool(stepped.rowcount)

        return self._store.change(work)


def find(connection: Connection, workspace: int, kind: str, id: str) -> Place:
    """Inside another operation. Raises NotFound."""
    row = connection.execute(
        select(*_COLUMNS).where(
            follower.c.workspace == workspace, follower.c.kind == kind, follower.c.id == id
        )
    ).first()
    if row is None:
        raise NotFound(f"There is no {kind} {id[:100]!r} in this workspace")
    return _place(row)


def make(
    transaction: Transaction,
    workspace: int,
    kind: str,
    id: str,
    name: str,
    *,
    cursor: int,
    log: Log = "activities",
) -> None:
    """Make a follower inside another operation; it begins at `cursor`."""
    transaction.connection.execute(
        insert(follower).values(
            workspace=workspace,
            kind=kind,
            log=log,
            id=id,
            name=name,
            revision=0,
            state="running",
            cursor=cursor,
            failures=0,
            retry_at=0,
            delivered=0,
            lease_owner="",
            lease_until=0,
            created_at=now_us(),
        )
    )


def drop(transaction: Transaction, place: Place) -> None:
    """Delete a follower inside another operation, with its dead letters."""
    connection = transaction.connection
    connection.execute(delete(dead_letter).where(dead_letter.c.follower == place.key))
    connection.execute(delete(follower).where(follower.c.key == place.key))


def pause(transaction: Transaction, place: Place, reason: str) -> None:
    """Stop a follower where it stands, inside another operation."""
    _set(transaction, place, state="paused", pause_reason=reason)


def resume(transaction: Transaction, place: Place) -> None:
    """Let it go on at once from where it stands."""
    _set(transaction, place, state="running", pause_reason=None, failures=0, retry_at=0)


def reopen(transaction: Transaction, place: Place) -> None:
    """What it does was changed: no batch is begun any more without it."""
    _set(transaction, place, revision=follower.c.revision + 1)


def replay(transaction: Transaction, place: Place, seq: int) -> None:
    """Let it do all from `seq` on again, or pass over what lies before."""
    _set(transaction, place, cursor=seq, batch_end=None, failures=0, retry_at=0)


def bury(transaction: Transaction, place: Place, seqs: Iterable[int], reason: str) -> None:
    """Put items among the dead letters: the follower goes on without them."""
    there = set(
        transaction.connection.execute(
            select(dead_letter.c.seq).where(dead_letter.c.follower == place.key)
        ).scalars()
    )
    at = now_us()
    rows = [
        {"follower": place.key, "seq": seq, "reason": reason[:ERROR_MAX], "at": at}
        for seq in sorted(set(seqs) - there)
    ]
    if rows:
        transaction.connection.execute(insert(dead_letter), rows)
    _set(transaction, place, failures=0, retry_at=0)


def _set(transaction: Transaction, place: Place, **values: Any) -> None:
    transaction.connection.execute(
        update(follower).where(follower.c.key == place.key).values(values)
    )


def _place(row: Any) -> Place:
    return Place(**row._mapping)  # noqa: SLF001 # SQLAlchemy's documented name


def next_seq(connection: Connection, workspace_key: int, log: Log) -> int:
    """The seq that the next item of a log will get, inside another operation."""
    found = connection.execute(select(NEXT_SEQ[log]).where(workspace.c.key == workspace_key))
    return found.scalar() or 0
