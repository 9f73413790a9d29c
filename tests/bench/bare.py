"""What is compared with: a bare loop over the driver that inserts the rows the product would.

The same tables, pragmas and driver, one thread, `executemany` and one transaction per batch. All
that the product does besides (HTTP, JSON, checks, redaction, hashing, dictionaries) is done
beforehand, outside of the measured time.

As a program, `python -m tests.bench.bare DATABASE BATCH COUNT`, it measures in a process of its
own and prints the figures as JSON.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from tests.bench import sample

from trailkeeper.activity import ActivityInput
from trailkeeper.catalogue import catalogue
from trailkeeper.ledger.append import Append
from trailkeeper.ledger.migrate import migrate
from trailkeeper.ledger.prepare import Prepared, prepare
from trailkeeper.ledger.sqlite import writer_engine
from trailkeeper.ledger.sqlite.append import Appender
from trailkeeper.redaction import Redactor

ACTIVITY = "INSERT INTO activity ("
INDEX = "INSERT INTO activity_index"
FRESH = "INSERT INTO activity_fresh (key, body)"
"""The product's way around the index for small groups; the loop inserts into the index at once."""
COLUMNS = {ACTIVITY: 12, INDEX: 2}
WARM = 4_000
WORKSPACE = 1

Rows = list[tuple[Any, ...]]
Batch = TypeVar("Batch")
"""What is committed at once."""


class Commits(Struct, frozen=True):
    """Rows that were committed, how long that took, and the processor's part of it."""

    rows: int
    seconds: float
    cpu_s: float
    p50_ms: float
    each_s: list[float] = []
    """Seconds of each commit, rising."""

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def timed(rows: int, batches: list[Batch], commit: Callable[[Batch], None]) -> Commits:
    """The commits of these batches, which have so many rows in all, one after the other."""
    latencies: list[float] = []
    gc.collect()
    gc.disable()
    cpu = time.process_time()
    start = before = time.perf_counter()
    for batch in batches:
        commit(batch)
        after = time.perf_counter()
        latencies.append(after - before)
        before = after
    cpu = time.process_time() - cpu
    gc.enable()
    latencies.sort()
    p50 = latencies[len(latencies) // 2] * 1e3
    return Commits(rows, before - start, cpu, p50, latencies)


class _Catcher:
    """Stands between the product's appender and the database: keeps back the activities' rows."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.caught: dict[str, tuple[str, Rows]] = {}

    def execute(self, statement: str, values: Any = ()) -> Any:
        statement = statement.replace(FRESH, f"{INDEX} (rowid, body)")
        for start, columns in COLUMNS.items():
            if statement.startswith(start):
                flat = iter(values)
                rows = [tuple(islice(flat, columns)) for _ in range(len(values) // columns)]
                self._catch(start, statement, rows)
                return None
        return self._database.execute(statement, values)

    def executemany(self, statement: str, rows: Rows) -> None:
        for start in COLUMNS:
            if statement.startswith(start):
                return self._catch(start, statement, rows)
        return self._database.executemany(statement, rows)

    def _catch(self, start: str, statement: str, rows: Rows) -> None:
        one = f"{statement.partition('VALUES')[0]}VALUES ({','.join('?' * COLUMNS[start])})"
        self.caught.setdefault(start, (one, []))[1].extend(rows)

    def take(self) -> list[tuple[str, Rows]]:
        """The statements for one row, each with its rows, since the last time."""
        taken = [self.caught.pop(start) for start in COLUMNS]
        assert not self.caught
        return taken


class Bare:
    """A database, and the loop over it into its first workspace."""

    name = "bare loop"

    def __init__(self, path: Path, *, is_new: bool = True) -> None:
        """Unless it `is_new`, there is an installation, which goes on with what is inserted."""
        engine = writer_engine(path)
        if is_new:
            migrate(engine)
        self._connection = engine.connect()
        raw: Any = self._connection.connection.driver_connection
        self._db = raw
        if is_new:
            raw.execute(
                "INSERT INTO workspace (key, id, name, created_at) VALUES (?,'w','Acme',0)",
                (WORKSPACE,),
            )
        self._catcher = _Catcher(raw)
        self._appender = Appender(self._catcher)

    def insert(self, activities: list[Prepared], batch: int) -> Commits:
        """Insert the rows of these activities, `batch` of them in each transaction."""
        batches = self._rows(activities, batch)
        return timed(len(activities), batches, self._commit)

    def _commit(self, statements: list[tuple[str, Rows]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for statement, rows in statements:
            self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def _rows(self, activities: list[Prepared], batch: int) -> list[list[tuple[str, Rows]]]:
        """What the product would insert if it committed in groups of `batch`."""
        batches: list[list[tuple[str, Rows]]] = []
        self._db.execute("BEGIN IMMEDIATE")
        for start in range(0, len(activities), batch):
            some = activities[start : start + batch]
            self._appender.append([Append(WORKSPACE, [one]) for one in some])
            batches.append(self._catcher.take())
        self._db.execute("COMMIT")
        return batches

    def count(self) -> int:
        """Activities in the database."""
        return self._db.execute("SELECT count(*) FROM activity").fetchone()[0]

    def close(self) -> None:
        self._connection.close()


def prepared(bodies: list[bytes]) -> list[Prepared]:
    """The same activities as the bodies that are sent to the product."""
    redactor = Redactor()
    known = catalogue()
    made: list[Prepared] = []
    for body in bodies:
        sent = msgspec.json.decode(body, type=ActivityInput)
        made.append(prepare(sent, redactor=redactor, label=known.label_of(sent.action)))
    return made


def main() -> None:
    path, batch, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    bare = Bare(path)
    activities = prepared(sample.encoded(max(count, WARM)))
    bare.insert(activities[:WARM], 1_000)
    print(msgspec.json.encode(bare.insert(activities[:count], batch)).decode())
    bare.close()


if __name__ == "__main__":
    main()
