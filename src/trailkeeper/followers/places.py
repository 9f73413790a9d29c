"""The followers' places in the database: every step of a follower is one unit of the writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from trailkeeper.activity import now_us
from trailkeeper.errors import NotFound
from trailkeeper.followers import deliveries
from trailkeeper.followers.follower import ERROR_MAX, Log, Place, Tried
from trailkeeper.identity.store import Store
from trailkeeper.ledger.schema import archive, dead_letter, follower, workspace
from trailkeeper.ledger.writer import Transaction

_COLUMNS = [follower.c[name] for name in Place.__struct_fields__]

NEXT_SEQ: dict[Log, ColumnElement[int]] = {
    "activities": workspace.c.next_seq,
    "jobs": workspace.c.next_job_seq,
    "closed_days": select(archive.c.closed_seq)
    .where(archive.c.workspace == workspace.c.key)
    .scalar_subquery(),
}
"""The seq that the next item of each log will get."""


class DeadLetter(Struct, frozen=True):
    """What a destination did not take; with `again` it is to be tried once more."""

    seq: int
    reason: str
    at: int
    again: bool


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
                or_(
                    follower.c.cursor < case(NEXT_SEQ, value=follower.c.log),
                    exists().where(
                        dead_letter.c.follower == follower.c.key,
                        dead_letter.c.again,
                        dead_letter.c.seq < follower.c.cursor,
                    ),
                ),
            )
        )
        with self._store.reading() as connection:
            return [_place(row) for row in connection.execute(asked)]

    def find(self, workspace: int, kind: str, id: str) -> Place:
        """Raises NotFound."""
        with self._store.reading() as connection:
            return find(connection, workspace, kind, id)

    def dead_letters(self, place: Place, limit: int = 100) -> list[DeadLetter]:
        """The latest first."""
        with self._store.reading() as connection:
            rows = connection.execute(
                select(*dead_letter.c[1:])
                .where(dead_letter.c.follower == place.key)
                .order_by(dead_letter.c.seq.desc())
                .limit(limit)
            ).all()
        return [DeadLetter(*row) for row in rows]

    def dead_count(self, place: Place) -> int:
        with self._store.reading() as connection:
            return connection.execute(
                select(func.count()).where(dead_letter.c.follower == place.key)
            ).scalar_one()

    def next_again(self, place: Place) -> int | None:
        """The first dead letter that is to be tried again. Only those behind the cursor: a batch
        that was begun stays as it is."""
        with self._store.reading() as connection:
            return connection.execute(
                select(func.min(dead_letter.c.seq)).where(
                    dead_letter.c.follower == place.key,
                    dead_letter.c.again,
                    dead_letter.c.seq < place.cursor,
                )
            ).scalar()

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

    def owners(self) -> set[str]:
        """Who has leases that have not run out."""
        asked = select(follower.c.lease_owner).where(follower.c.lease_until > now_us()).distinct()
        with self._store.reading() as connection:
            return set(connection.execute(asked).scalars())

    def free_of(self, owners: Set[str]) -> None:
        """End the leases of those who are known to be dead."""
        self._store.change(
            lambda transaction: transaction.connection.execute(
                update(follower)
                .where(follower.c.lease_owner.in_(sorted(owners)), follower.c.lease_until > 0)
                .values(lease_until=0)
            )
        )

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

    def advance(self, place: Place, owner: str, end: int, tried: Tried | None) -> bool:
        """The batch up to `end` is done, by this try; None where nothing of it was wanted."""
        count = tried.count if tried else 0

        def also(transaction: Transaction) -> None:
            if tried:
                deliveries.note(transaction, place.key, tried)

        return self._step(
            place,
            owner,
            also=also,
            cursor=end,
            batch_end=None,
            failures=0,
            retry_at=0,
            delivered=follower.c.delivered + count,
            delivered_at=now_us() if count else follower.c.delivered_at,
        )

    def revive(self, place: Place, owner: str, seq: int, tried: Tried) -> bool:
        """A dead letter was taken after all."""

        def also(transaction: Transaction) -> None:
            transaction.connection.execute(
                delete(dead_letter).where(
                    dead_letter.c.follower == place.key, dead_letter.c.seq == seq
                )
            )
            deliveries.note(transaction, place.key, tried)

        return self._step(
            place,
            owner,
            also=also,
            failures=0,
            retry_at=0,
            delivered=follower.c.delivered + tried.count,
            delivered_at=now_us(),
        )

    def fail(
        self, place: Place, owner: str, why: str, retry_at: int, tried: Tried | None = None
    ) -> bool:
        """A try has failed, or what comes before any; the next is at `retry_at`."""

        def also(transaction: Transaction) -> None:
            if tried:
                deliveries.note(transaction, place.key, tried, why)

        return self._step(
            place,
            owner,
            also=also,
            failures=follower.c.failures + 1,
            retry_at=retry_at,
            last_error=why[:ERROR_MAX],
            last_error_at=now_us(),
        )

    def _step(
        self,
        place: Place,
        owner: str,
        *conditions: ColumnElement[bool],
        also: Callable[[Transaction], None] = lambda _transaction: None,
        **values: Any,
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
            if stepped.rowcount:
                also(transaction)
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
    """Delete a follower inside another operation, with its dead letters and deliveries."""
    connection = transaction.connection
    deliveries.drop(transaction, place.key)
    connection.execute(delete(dead_letter).where(dead_letter.c.follower == place.key))
    connection.execute(delete(follower).where(follower.c.key == place.key))


def rename(transaction: Transaction, place: Place, name: str) -> None:
    _set(transaction, place, name=name)


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
    connection, at = transaction.connection, now_us()
    for seq in sorted(set(seqs)):
        connection.execute(
            delete(dead_letter).where(dead_letter.c.follower == place.key, dead_letter.c.seq == seq)
        )
        connection.execute(
            insert(dead_letter).values(
                follower=place.key, seq=seq, reason=reason[:ERROR_MAX], at=at, again=False
            )
        )
    _set(transaction, place, failures=0, retry_at=0)


def try_again(transaction: Transaction, place: Place, seqs: Iterable[int] | None) -> list[int]:
    """Let dead letters be delivered once more, inside another operation: these, or all. Returns
    those that there are, in order."""
    connection = transaction.connection
    asked = select(dead_letter.c.seq).where(dead_letter.c.follower == place.key)
    wanted = None if seqs is None else set(seqs)
    there = [
        seq
        for seq in connection.execute(asked.order_by(dead_letter.c.seq)).scalars()
        if wanted is None or seq in wanted
    ]
    for seq in there:
        connection.execute(
            update(dead_letter)
            .where(dead_letter.c.follower == place.key, dead_letter.c.seq == seq)
            .values(again=True)
        )
    return there


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
