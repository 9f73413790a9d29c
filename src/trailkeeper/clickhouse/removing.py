"""Retention in ClickHouse: what is old goes there, too, but for legal holds.

Removing from two stores cannot be one transaction. Before anything goes it is noted that the counts
by hour may be too high from then on; they are made anew when it has gone, or by the next removal
after a crash.

NB: whoever builds erasure of a person's data does it here the same way: the database first, then
`ALTER TABLE … UPDATE salt = NULL, personal = NULL, words = []` over the same activities; the words
of an erased activity must go with its personal part.
"""

from __future__ import annotations

from collections import Counter

import msgspec
from msgspec import Struct
from sqlalchemy import Engine, select

from trailkeeper.clickhouse.connection import Connection
from trailkeeper.clickhouse.search import Condition, matching, of_workspace
from trailkeeper.identity.store import Store
from trailkeeper.ledger import rollup
from trailkeeper.ledger.backends import backend_of
from trailkeeper.ledger.index import Token
from trailkeeper.ledger.keys import SLOT_BITS, first_key
from trailkeeper.ledger.older import Seam
from trailkeeper.ledger.rollup import HOUR_KEYS, hour_of
from trailkeeper.ledger.schema import follower
from trailkeeper.ledger.search import Search, search_for
from trailkeeper.ledger.writer import Transaction
from trailkeeper.query.filters import Filter
from trailkeeper.retention.steps import Removed


class _Outcome(Struct):
    outcome: str


_outcome_of = msgspec.json.Decoder(_Outcome).decode


class Remover:
    """Every method raises StoreUnavailable."""

    def __init__(self, store: Store, engine: Engine, connection: Connection) -> None:
        self._store = store
        self._engine = engine
        self._connection = connection

    def remove(self, workspace: int, before: int, before_seq: int, holds: list[Filter]) -> Removed:
        """Remove what occurred before a time, but none from `before_seq` on and none that a hold
        matches: of what left the database, of which it tells, and of the copies of the rest."""
        with backend_of(self._engine).reading(self._engine, workspace) as database:
            row = database.execute(
                "SELECT before_key, before_seq FROM moved WHERE workspace=?", (workspace,)
            ).fetchone()
            searches = [search_for(database, workspace, hold) for hold in holds]
        if not self._has_any(workspace):
            return Removed()
        seam = Seam(*row) if row else None
        gone = self._due(workspace, seam, before, before_seq, searches) if seam else Removed()
        if gone.count:
            self._note(workspace, first_key(before))
        condition = _going(of_workspace(workspace, None), before, before_seq, searches)
        if self._connection.rows(
            f"SELECT 1 FROM activity WHERE {condition.text} LIMIT 1", condition.values
        ):
            self._connection.command(
                f"DELETE FROM {self._connection.tables.local} WHERE {condition.text}",
                condition.values,
            )
        self.recount(workspace)
        return gone

    def _has_any(self, workspace: int) -> bool:
        """Not before the first batch: there may be no tables yet."""
        copied = select(follower.c.cursor).where(
            follower.c.workspace == workspace, follower.c.kind == "clickhouse"
        )
        with self._store.reading() as connection:
            return bool(connection.execute(copied).scalar())

    def _due(
        self, workspace: int, seam: Seam, before: int, before_seq: int, holds: list[Search]
    ) -> Removed:
        condition = of_workspace(workspace, seam)
        condition.add(f"at < {condition.number(before)}")
        going = _going(Condition(beside=condition), before, before_seq, holds)
        ((old, count, first, last),) = self._connection.rows(
            f"SELECT count(), countIf({going.text}), minIf(seq, {going.text}),"
            f" maxIf(seq, {going.text}) FROM activity WHERE {condition.text}",
            going.values,
        )
        return Removed(count, old - count, first, last) if count else Removed(kept=old)

    def _note(self, workspace: int, key: int) -> None:
        def work(transaction: Transaction) -> None:
            transaction.database.execute(
                "UPDATE moved SET recount_before="
                "CASE WHEN recount_before>? THEN recount_before ELSE ? END WHERE workspace=?",
                (key, key, workspace),
            )

        self._store.change(work)

    def recount(self, workspace: int) -> None:
        """Make the counts by hour anew where they may be too high."""
        while (asked := self._to_recount(workspace)) is not None:
            seam, before = asked
            # From the seam on nothing is ClickHouse's.
            end = hour_of(min(before, seam.key)) + 1
            condition = of_workspace(workspace, seam)
            condition.add(f"at < {condition.number(end * HOUR_KEYS >> SLOT_BITS)}")
            hour = condition.number(HOUR_KEYS)
            cells = Counter(
                {
                    (hour, action, failed): count
                    for hour, action, failed, count in self._connection.rows(
                        f"SELECT intDiv(key, {hour}) AS hour, action, failed, count()"
                        f" FROM activity WHERE {condition.text} GROUP BY ALL",
                        condition.values,
                    )
                }
            )
            if self._put(workspace, asked, end, cells):
                return

    def _to_recount(self, workspace: int) -> tuple[Seam, int] | None:
        with backend_of(self._engine).reading(self._engine, workspace) as database:
            row = database.execute(_TO_RECOUNT, (workspace,)).fetchone()
        return (Seam(*row[:2]), row[2]) if row and row[2] is not None else None

    def _put(
        self, workspace: int, asked: tuple[Seam, int], end: int, cells: Counter[rollup.Cell]
    ) -> bool:
        """Whether the counts below hour `end` are now these and the database's own; not when the
        seam was moved meanwhile."""
        seam, before = asked

        def work(transaction: Transaction) -> bool:
            database = transaction.database
            row = database.execute(_TO_RECOUNT, (workspace,)).fetchone()
            if tuple(row or ()) != (seam.key, seam.seq, before):
                return False
            counts = cells + rollup.forget_before(database, workspace, end)
            for key, action, public in database.execute(
                "SELECT key, action, public FROM activity WHERE +workspace=? AND key<?",
                (workspace, end * HOUR_KEYS),
            ).fetchall():
                counts[hour_of(key), action, _outcome_of(public).outcome == "failure"] += 1
            rollup.add(database, workspace, counts)
            database.execute("UPDATE moved SET recount_before=NULL WHERE workspace=?", (workspace,))
            return True

        return self._store.change(work)

    def named(self, workspace: int) -> set[int]:
        """The keys of all actors and targets that activities in ClickHouse name."""
        if not self._has_any(workspace):
            return set()
        condition = of_workspace(workspace, None)
        kinds = condition.value([Token.ACTOR, Token.TARGET], "Array(String)")
        rows = self._connection.rows(
            "SELECT DISTINCT toInt64(substringUTF8(token, 2)) FROM"
            f" (SELECT arrayJoin(tokens) AS token FROM activity WHERE {condition.text})"
            f" WHERE has({kinds}, substringUTF8(token, 1, 1))",
            condition.values,
        )
        return {row[0] for row in rows}

    def words_between(self, workspace: int, after: str, last: str) -> set[str]:
        """The words of activities in ClickHouse that follow one, up to and with the last."""
        if not self._has_any(workspace):
            return set()
        condition = of_workspace(workspace, None)
        after, last = condition.text_of(after), condition.text_of(last)
        rows = self._connection.rows(
            "SELECT DISTINCT word FROM"
            f" (SELECT arrayJoin(words) AS word FROM activity WHERE {condition.text})"
            f" WHERE word > {after} AND word <= {last}",
            condition.values,
        )
        return {row[0] for row in rows}


_TO_RECOUNT = "SELECT before_key, before_seq, recount_before FROM moved WHERE workspace=?"


def _going(made: Condition, before: int, before_seq: int, holds: list[Search]) -> Condition:
    """Narrow a condition to what is to go."""
    made.add(f"at < {made.number(before)} AND seq < {made.number(before_seq)}")
    for hold in holds:
        made.add(f"NOT ({matching(made, hold)})")
    return made
