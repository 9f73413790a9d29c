"""The partitions of the large tables: a month each, and one for all that is older.

A key holds its time (ledger/keys.py), so a month is a range of keys. Only months from
MONTHS_BEFORE the making of the database on get partitions of their own: whoever sends activities of
long ago cannot make ever more tables, nor in the future, of which little is taken at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from trailkeeper.activity import now_us
from trailkeeper.errors import StoreUnavailable
from trailkeeper.ledger.keys import SLOT_BITS, first_key
from trailkeeper.ledger.postgresql.wall import wall

MONTHS_BEFORE = 36
TABLES = ("activity", "activity_index")
OLD = "{}_old"

DROP_WAIT = "200ms"
"""So long everybody may have to wait for the dropping of a table, or it is left for later."""

MAKING = 7_451_911
"""The key of the advisory lock under which partitions are made."""


def month_of(key: int) -> int:
    """The month of a key: years times twelve plus months from 0, in UTC."""
    at = datetime.fromtimestamp((key >> SLOT_BITS) // 1_000_000, UTC)
    return at.year * 12 + at.month - 1


def start_of(month: int) -> int:
    """The first key of a month."""
    start = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return first_key(int(start.timestamp()) * 1_000_000)


def first_month(now: int) -> int:
    """The first that has partitions of its own, in a database that is made now."""
    return month_of(first_key(now)) - MONTHS_BEFORE


def make_old(connection: Any, first: int) -> None:
    """Make the partitions of all before this month, on SQLAlchemy's connection."""
    for table in TABLES:
        connection.exec_driver_sql(
            f"CREATE TABLE {OLD.format(table)} PARTITION OF {table}"
            f" FOR VALUES FROM (MINVALUE) TO ({start_of(first)})"
        )


def drop_empty(database: Any) -> None:
    """Drop the partitions of months that are over and empty, in the open transaction, but not when
    somebody is at work in them."""
    this = month_of(first_key(now_us()))
    for month in sorted(month for month in known_months(database)[1] if month < this - 1):
        database.execute("SAVEPOINT dropping")
        try:
            database.execute(f"SET LOCAL lock_timeout = '{DROP_WAIT}'")
            _drop_if_empty(database, [name_of(table, month) for table in TABLES])
            database.execute("RELEASE dropping")
        except StoreUnavailable:  # the lock was not to be had: next time
            database.execute("ROLLBACK TO dropping")
            break


def _drop_if_empty(database: Any, tables: list[str]) -> None:
    names = ", ".join(tables)
    some = " OR ".join(f"EXISTS (SELECT 1 FROM {table})" for table in tables)
    if database.execute(f"SELECT {some}").fetchone()[0]:
        return
    database.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
    # Somebody may have added a row until the lock was there.
    if not database.execute(f"SELECT {some}").fetchone()[0]:
        database.execute(f"DROP TABLE {names}")


def known_months(database: Any) -> tuple[int, set[int]]:
    """The first month that has a partition of its own, or would have, and those that have one."""
    rows = database.execute(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'activity'::regclass"
    ).fetchall()
    first, months = 0, set[int]()
    for name, bounds in rows:
        if name == OLD.format("activity"):
            first = month_of(int(bounds.rpartition("(")[2].strip(")'")))
        else:
            year, month = name.removeprefix("activity_").split("_")
            months.add(int(year) * 12 + int(month) - 1)
    return first, months


def name_of(table: str, month: int) -> str:
    return f"{table}_{month // 12}_{month % 12 + 1:02}"


class Partitions:
    """The months that have partitions, as known on the writer's connection."""

    def __init__(self, database: Any) -> None:
        self._db = database
        self._months: set[int] | None = None
        self._first = 0
        self._from = self._until = 0

    def forget(self) -> None:
        """Something was rolled back."""
        self._months = None
        self._from = self._until = 0

    def cover(self, keys: list[int]) -> None:
        """Have partitions for these keys, in the open transaction."""
        if self._from <= min(keys) and max(keys) < self._until:
            return
        months = self._known()
        wanted = {month for month in map(month_of, keys) if month >= self._first}
        # One ahead, so that a month does not begin with the making of tables.
        this = month_of(first_key(now_us()))
        if missing := wanted.union((this, this + 1)) - months:
            self._make(sorted(missing))
        self._from, self._until = start_of(this), start_of(this + 2)

    def _known(self) -> set[int]:
        if self._months is None:
            self._first, self._months = known_months(self._db)
        return self._months

    def _make(self, months: list[int]) -> None:
        """Without a lock that others would wait for: a table is made beside and then attached."""
        self._db.execute("SELECT pg_advisory_xact_lock(?)", (MAKING,))
        self._months = None  # another process may just have made it
        known = self._known()
        for month in months:
            if month in known:
                continue
            known.add(month)
            for table in TABLES:
                name = name_of(table, month)
                self._db.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
                if table == "activity":
                    for statement in wall(name):
                        self._db.execute(statement)
                self._db.execute(
                    f"ALTER TABLE {table} ATTACH PARTITION {name}"
                    f" FOR VALUES FROM ({start_of(month)}) TO ({start_of(month + 1)})"
                )
