"""What followers have delivered: each try for a while, and counts by the minute for a day.

Both are written in the unit that moves a follower's place, so they say what happened, no more and
no less.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update

from trailkeeper.activity import now_us
from trailkeeper.followers.follower import ERROR_MAX, Tried
from trailkeeper.ledger.schema import delivery, delivery_minute
from trailkeeper.ledger.writer import Transaction

Outcome = Literal["delivered", "failed"]

KEPT = 1_000
"""So many tries of each follower are kept."""

_TIDIED_EVERY = 64
MINUTE_US = 60_000_000
MINUTES_KEPT = 24 * 60


class Delivery(Struct, frozen=True):
    """A try: the activities from `first` to before `end`, of which `count` were to be delivered, in
    so many bytes as far as that is known. `number` counts a follower's tries."""

    number: int
    first: int
    end: int
    count: int
    bytes: int | None
    attempt: int
    started_at: int
    took_us: int
    outcome: Outcome
    error: str | None


class Minute(Struct, frozen=True):
    """A minute since 1970 in which something was done: what was delivered, and failed tries."""

    minute: int
    delivered: int
    failed: int


def note(transaction: Transaction, follower: int, tried: Tried, error: str | None = None) -> None:
    """Keep a try inside the unit in which a follower moves on, or stays because of an error."""
    connection = transaction.connection
    last = connection.execute(
        select(func.max(delivery.c.number)).where(delivery.c.follower == follower)
    ).scalar()
    number = 0 if last is None else last + 1
    connection.execute(
        insert(delivery).values(
            follower=follower,
            number=number,
            first_seq=tried.first,
            end_seq=tried.end,
            count=tried.count,
            bytes=tried.bytes,
            attempt=tried.attempt,
            started_at=tried.started_at,
            took_us=tried.took_us,
            outcome="delivered" if error is None else "failed",
            error=error and error[:ERROR_MAX],
        )
    )
    if number % _TIDIED_EVERY == 0:
        connection.execute(
            delete(delivery).where(
                delivery.c.follower == follower, delivery.c.number <= number - KEPT
            )
        )
    _count(connection, follower, tried.count if error is None else 0, int(error is not None))


def drop(transaction: Transaction, follower: int) -> None:
    """Forget all of a follower's."""
    for table in (delivery, delivery_minute):
        transaction.connection.execute(delete(table).where(table.c.follower == follower))


def latest(
    connection: Connection,
    follower: int,
    *,
    limit: int = KEPT,
    outcome: Outcome | None = None,
    before: int | None = None,
) -> list[Delivery]:
    """The newest first, at most KEPT; of one outcome, and before a number, if asked."""
    asked = (
        select(*delivery.c[1:])
        .where(delivery.c.follower == follower)
        .order_by(delivery.c.number.desc())
        .limit(max(1, min(limit, KEPT)))
    )
    if outcome is not None:
        asked = asked.where(delivery.c.outcome == outcome)
    if before is not None:
        asked = asked.where(delivery.c.number < before)
    return [Delivery(*row) for row in connection.execute(asked)]


def minutes(
    connection: Connection, followers: Iterable[int], since: int
) -> dict[int, list[Minute]]:
    """By follower, the minutes from `since` on in which something was done, in order."""
    found: dict[int, list[Minute]] = {key: [] for key in followers}
    rows = connection.execute(
        select(delivery_minute)
        .where(delivery_minute.c.follower.in_(list(found)), delivery_minute.c.minute >= since)
        .order_by(delivery_minute.c.minute)
    )
    for follower, *minute in rows:
        found[follower].append(Minute(*minute))
    return found


def this_minute() -> int:
    return now_us() // MINUTE_US


def _count(connection: Connection, follower: int, delivered: int, failed: int) -> None:
    minute = this_minute()
    counted = connection.execute(
        update(delivery_minute)
        .where(delivery_minute.c.follower == follower, delivery_minute.c.minute == minute)
        .values(
            delivered=delivery_minute.c.delivered + delivered,
            failed=delivery_minute.c.failed + failed,
        )
    )
    if counted.rowcount:
        return
    connection.execute(
        insert(delivery_minute).values(
            follower=follower, minute=minute, delivered=delivered, failed=failed
        )
    )
    connection.execute(
        delete(delivery_minute).where(
            delivery_minute.c.follower == follower,
            delivery_minute.c.minute < minute - MINUTES_KEPT,
        )
    )
