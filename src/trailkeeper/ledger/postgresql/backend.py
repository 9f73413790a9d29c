"""PostgreSQL as a backend: transactions, locks, and what errors mean."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine

from trailkeeper.ledger.postgresql.append import Appender, lock_statement
from trailkeeper.ledger.postgresql.database import PostgresDatabase
from trailkeeper.ledger.postgresql.failures import as_problem, is_clash

UNITS = 7_451_912
"""The key of the advisory lock that orders the units of all processes."""

COUNT_UNIT = "UPDATE ledger_state SET units = units + 1 RETURNING units - 1"


class PostgresSession:
    """See the protocol Session in ledger/backend.py.

    Appends lock the workspaces that they go to. Whatever else changes was written for one writer
    at a time: a transaction with such units locks out those of all other processes.
    """

    def __init__(self, engine: Engine) -> None:
        self.connection = engine.connect()
        driver: Any = self.connection.connection.driver_connection
        self.database = PostgresDatabase(driver)
        self.appender = Appender(self.database)
        self._units: int | None = None
        """Transactions with units, of all processes, up to what was noticed."""
        self._begun: tuple[set[int], bool] = set(), False
        try:
            # In a transaction of its own: nobody has to wait for it.
            self.database.execute("BEGIN")
            self.appender.prepare_months()
            self.database.execute("COMMIT")
        except BaseException:
            self.close()
            raise

    @property
    def in_transaction(self) -> bool:
        return self.database.in_transaction and not self.database.broken

    def begin(self, workspaces: set[int], with_units: bool, /) -> bool:
        self._begun = workspaces, with_units
        statements: list[tuple[str, Any]] = [("BEGIN", ())]
        if with_units:
            # The counter is read by a statement of its own, which sees what they have committed.
            statements += [("SELECT pg_advisory_xact_lock(?)", (UNITS,)), (COUNT_UNIT, ())]
        else:
            statements.append(("SELECT units FROM ledger_state", ()))
        statements.append(lock_statement(workspaces))
        *_, counted, locked = self.database.together(*statements)
        units: int = counted.fetchone()[0]
        self.appender.begin(locked.fetchall())
        has_changed = units != self._units
        self._units = units
        return has_changed

    def begin_again(self) -> None:
        self.database.execute("ROLLBACK")
        self.appender.forget()
        self.begin(*self._begun)

    def commit(self) -> None:
        self.database.execute("COMMIT")
        if self._begun[1] and self._units is not None:
            self._units += 1

    def rollback(self) -> None:
        if self.database.in_transaction:
            self.database.execute("ROLLBACK")
        elif self.database.broken:
            raise ConnectionError("the connection to the database broke")

    def close(self) -> None:
        with contextlib.suppress(Exception):
            if self.database.broken or self.database.in_transaction:
                self.connection.invalidate()
            self.connection.close()


class PostgresBackend:
    """See the protocol Backend in ledger/backend.py."""

    @contextmanager
    def reading(self, engine: Engine, workspace: int, /) -> Generator[PostgresDatabase]:
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            database = PostgresDatabase(driver)
            # In one message; it has no values, and `workspace` is a number.
            begin = (
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                f" SET LOCAL trailkeeper.workspace = '{int(workspace)}';"
                " SET LOCAL plan_cache_mode = force_custom_plan"
            )
            database.say(begin)
            try:
                yield database
            finally:
                if database.in_transaction:
                    database.say("ROLLBACK")

    def session(self, engine: Engine) -> PostgresSession:
        return PostgresSession(engine)

    def problem_of(self, error: Exception) -> Exception | None:
        return as_problem(error)

    def may_try_again(self, error: Exception, /) -> bool:
        # A month's table may have been dropped, as empty, by another process.
        return is_clash(error) or "no partition of relation" in str(error)
