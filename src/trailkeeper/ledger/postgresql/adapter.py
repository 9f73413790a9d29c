"""psycopg's connection for SQL that is written once for both databases.

The ledger's common statements have `?` and `:name` for values, as SQLite has them, and ask a
connection to `execute` and `executemany`.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from trailkeeper.ledger.postgresql.failures import as_problem

_PARTS = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|::)|(%)|(\?)|:([A-Za-z_]\w*)""")

Values = Sequence[Any] | Mapping[str, Any]


@lru_cache(maxsize=2_048)
def translated(sql: str) -> bytes:
    """A statement with `?` and `:name` as psycopg writes it; what stands in quotes stays."""
    return _PARTS.sub(_part, sql).encode()


def _part(found: re.Match[str]) -> str:
    kept, percent, mark, name = found.groups()
    if kept:
        return kept.replace("%", "%%")
    if percent:
        return "%%"
    return "%s" if mark else f"%({name})s"


class Adapted:
    """A psycopg connection with the few methods of a DB-API one that the ledger uses.

    Rows are tuples. An error that means that the database is away is raised as the Problem that it
    is; all others as psycopg's.
    """

    __slots__ = ("driver",)

    def __init__(self, driver: psycopg.Connection[Any]) -> None:
        self.driver = driver
        """psycopg's own connection, for what only it can do."""

    @property
    def in_transaction(self) -> bool:
        """Whether BEGIN was said, also when the transaction has failed since."""
        return self.driver.info.transaction_status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )

    @property
    def broken(self) -> bool:
        """Whether nothing can be asked of it any more."""
        return self.driver.closed

    def execute(self, sql: str, values: Values = (), /) -> Any:
        try:
            return self.driver.execute(translated(sql), values)
        except psycopg.Error as error:
            if problem := as_problem(error):
                raise problem from error
            raise

    @contextmanager
    def in_one_go(self) -> Generator[None]:
        """What is executed meanwhile is sent at once and answered together at the end: one round
        trip. The server works on one statement while the next is made. What fails, fails them all.
        """
        try:
            with self.driver.pipeline():
                yield
        except psycopg.Error as error:
            if problem := as_problem(error):
                raise problem from error
            raise

    def together(self, *statements: tuple[str, Values]) -> list[Any]:
        """Several statements in one round trip; their cursors."""
        with self.in_one_go():
            return [self.execute(sql, values) for sql, values in statements]

    def say(self, statements: str) -> None:
        """Several statements without values in one message, of which nothing is answered."""
        try:
            self.driver.execute(statements.encode())
        except psycopg.Error as error:
            if problem := as_problem(error):
                raise problem from error
            raise

    def executemany(self, sql: str, rows: Iterable[Values]) -> None:
        """Once for each of `rows`, in few round trips."""
        try:
            with self.driver.cursor() as cursor:
                cursor.executemany(translated(sql), rows)
        except psycopg.Error as error:
            if problem := as_problem(error):
                raise problem from error
            raise
